/** The pdf-text Worker in a workerd of its own, as it is deployed. */
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { bundleModules } from "../../../scripts/bundle.ts";

export interface PdfReader {
  /** Its entrypoint. */
  readonly binding: { fetch(input: string, init?: RequestInit): Promise<Response> };
  /** Its default export. */
  readonly front: URL;
  stop(): Promise<void>;
}

export async function startPdfReader(): Promise<PdfReader> {
  const modules = await bundleModules(fileURLToPath(new URL("../../../workers/pdf-text/index.ts", import.meta.url)));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      name: "pdf-text",
      modules: [...modules],
      compatibilityDate: "2026-10-20",
      compatibilityFlags: ["nodejs_compat"],
      unsafeDirectSockets: [{ entrypoint: "PdfText", host: "127.0.0.1", port: 0 }],
      logRequests: false,
    }),
  );
  const front = await miniflare.ready;
  const address = await miniflare.unsafeGetDirectURL("pdf-text", "PdfText");
  return {
    binding: { fetch: (input, init) => fetch(new URL(new URL(input).pathname, address), init) },
    front,
    stop: () => miniflare.dispose(),
  };
}
