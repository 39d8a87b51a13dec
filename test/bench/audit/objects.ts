import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { bundleWorker } from "../../../scripts/bundle.ts";

export interface LogObjects {
  readonly origin: string;
  stop(): Promise<void>;
}

/** A log's object in workerd, beside one that only inserts rows of the same size; see audit-bench-worker.ts. */
export async function startLogObjects(): Promise<LogObjects> {
  const contents = await bundleWorker(
    fileURLToPath(new URL("../../workerd/objects/audit-bench-worker.ts", import.meta.url)),
  );
  const object = (className: string) => ({ className, useSQLite: true });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      name: "audit",
      modules: [{ type: "ESModule", path: "index.mjs", contents }],
      compatibilityDate: "2026-10-20",
      compatibilityFlags: ["nodejs_compat"],
      bindings: { ISSUER: "https://sentinel.test", KEY_ENCRYPTION_KEY: randomBytes(32).toString("base64url") },
      durableObjects: { AUDIT_LOG: object("AuditLog"), PLAIN: object("PlainRows"), KEY_RING: object("KeyRing") },
      kvNamespaces: ["MESH_ROOTS"],
      r2Buckets: ["AUDIT_COPY"],
      serviceBindings: { AUDIT_SINK: { name: "audit", entrypoint: "AwaySink" } },
      logRequests: false,
    }),
  );
  const { origin } = await miniflare.ready;
  return { origin, stop: () => miniflare.dispose() };
}
