/** The Worker as it is bundled, on workerd, reaching Postgres through the gateway. */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { bundleWorker } from "../../../scripts/bundle.ts";
import { sql } from "../../../store/connect.ts";
import { createMeshKit, type MeshKit } from "../mesh-kit.ts";
import { dataVariables, describeTenant, newOrgId, newRequestId, newUserId } from "../support.ts";
import { newDeviceId, sinkEntry } from "./support.ts";

let mesh: MeshKit;
let miniflare: Miniflare;
/** Calls a method of an entrypoint from another Worker, over a service binding. */
let invoke: (binding: string, method: string, ...args: unknown[]) => Promise<{ value?: unknown; error?: string }>;

const caller = `export default { async fetch(request, env) {
  const { binding, method, args } = await request.json();
  try { return Response.json({ value: await env[binding][method](...args) ?? null }); }
  catch (error) { return Response.json({ error: String(error) }); }
} }`;

async function start(variables: Record<string, string>): Promise<Miniflare> {
  const script = await bundleWorker(new URL("../../../workers/data/index.ts", import.meta.url).pathname);
  const common = { modules: true, compatibilityDate: "2026-10-20", compatibilityFlags: ["nodejs_compat"] };
  const bindings = ["Ingest", "AuditSink", "Credentials", "Provisioner"].map((entrypoint) => [
    entrypoint,
    { name: "data", entrypoint },
  ]);
  const started = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        { ...common, name: "caller", script: caller, serviceBindings: Object.fromEntries(bindings) },
        { ...common, name: "data", script, bindings: variables, kvNamespaces: { MESH_ROOTS: "mesh-roots" } },
      ],
    }),
  );
  const namespace = await started.getKVNamespace("MESH_ROOTS", "data");
  for (const [name, value] of Object.entries(mesh.pushed)) await namespace.put(name, value);
  return started;
}
const invoker =
  (of: Miniflare): typeof invoke =>
  async (binding, method, ...args) => {
    const response = await of.dispatchFetch("http://caller/", {
      method: "POST",
      body: JSON.stringify({ binding, method, args }),
    });
    return (await response.json()) as { value?: unknown; error?: string };
  };

beforeAll(async () => {
  mesh = await createMeshKit();
  miniflare = await start(dataVariables);
  invoke = invoker(miniflare);
});
afterAll(() => miniflare.dispose());

describe("the data Worker on workerd", () => {
  it("creates a tenant, hands out its credentials, takes its telemetry and its audit log", async () => {
    const org = newOrgId();
    const sign = (
      workload: "studio" | "durable-objects",
      ...rest: Parameters<ReturnType<MeshKit["caller"]>["asJob"]>
    ): Promise<SignedCall> => mesh.caller(workload).asJob(...rest);
    const provision = await sign("studio", "data.provisioner", "provision", org, newRequestId());
    const made = await invoke("Provisioner", "createTenant", provision, org);
    expect(made.error).toBeUndefined();
    const { placement } = made.value as { placement: string };
    // Again: the path that looks for drift opens a WebSocket.
    expect(await invoke("Provisioner", "createTenant", provision, org)).toEqual({ value: { placement } });

    const user = newUserId();
    const credentials = await mesh
      .caller("capabilities")
      .asUser("data.credentials", await mesh.accessToken(org, user, "readonly"), newRequestId());
    expect((await invoke("Credentials", "forTenant", credentials)).value).toMatchObject({ org });

    const at = new Date().toISOString();
    const records = [
      { kind: "telemetry", device: newDeviceId(), sampleId: "s", at, receivedAt: at, metrics: { cpu_percent: 1 } },
    ];
    const ingest = await sign("durable-objects", "data.ingest", "ingest", org, newRequestId());
    expect(await invoke("Ingest", "write", ingest, org, records)).toEqual({ value: null });
    const tenant = await describeTenant(org, placement);
    expect(await tenant.run("system", null, sql`SELECT metrics FROM telemetry`)).toEqual([
      [{ metrics: { cpu_percent: 1 } }],
    ]);

    const drain = await sign("durable-objects", "data.audit-sink", "audit_drain", org, newRequestId());
    const entry = sinkEntry(org, 1, {
      type: "api_call",
      user_id: user,
      endpoint: "/x",
      method: "GET",
      status_code: 200,
      duration_ms: 1,
    });
    expect(await invoke("AuditSink", "write", drain, [entry])).toEqual({ value: null });
    expect(await invoke("AuditSink", "receiptExists", drain, org, newRequestId())).toEqual({ value: false });
  });

  it("refuses a call without a valid assertion, on every method", async () => {
    const org = newOrgId();
    const nobody = { assertion: "e30.e30.e30", accessToken: null };
    const methods: [string, string, ...unknown[]][] = [
      ["Ingest", "write", nobody, org, []],
      ["AuditSink", "write", nobody, []],
      ["AuditSink", "receiptExists", nobody, null, "r"],
      ["Credentials", "forTenant", nobody],
      ["Provisioner", "createTenant", nobody, org],
    ];
    for (const [binding, method, ...args] of methods) {
      expect((await invoke(binding, method, ...args)).error, method).toMatch(/call refused/);
    }
  });

  it("answers 404 to HTTP: it has no public face", async () => {
    const worker = await miniflare.getWorker("data");
    expect((await worker.fetch("http://data/")).status).toBe(404);
  });

  it("does nothing at all while a secret is missing, and says which", async () => {
    const { TENANT_DB_ROOT_SECRET: _missing, ...variables } = dataVariables;
    const broken = await start(variables);
    const org: OrgId = newOrgId();
    const call = await mesh.caller("studio").asJob("data.provisioner", "provision", org, newRequestId());
    expect((await invoker(broken)("Provisioner", "createTenant", call, org)).error).toMatch(/TENANT_DB_ROOT_SECRET/);
    await broken.dispose();
  });
});
