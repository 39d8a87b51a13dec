/** Who is let in: every method, with every kind of call that is not a genuine one for it. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { TenantReader } from "../../../core/rpc/data.ts";
import type { ExportsRpc } from "../../../core/rpc/exports.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { createExports } from "../../../workers/capabilities/exports/exports.ts";
import { methodRights } from "../../../workers/capabilities/exports/rights.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import type { DataEnv } from "../../../workers/data/config.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import type { DataUnit } from "../../../workers/data/unit.ts";
import { createUnit } from "../../../workers/data/unit.ts";
import { createTestMesh, newId, type TestMesh } from "../../unit/capabilities/mesh.ts";
import { testTenantKeys } from "../capabilities/data-keys.ts";
import { toStream } from "../documents/bucket.ts";
import { dataVariables, freshTenant, gateway } from "../support.ts";
import { startExportBucket } from "./bucket.ts";

let mesh: TestMesh;
let unit: DataUnit;
let exports: ExportsRpc;
let stop: () => Promise<void>;
let org: OrgId;
let theirs: OrgId;
const person = (role: Role) => ({ user: newId("user"), role });
const owner = person("owner");

beforeAll(async () => {
  mesh = await createTestMesh();
  const keySets: Readonly<Record<string, unknown>> = { roots: mesh.rootKeys, access: mesh.accessKeys };
  const namespace = { get: async (name: string) => JSON.stringify({ keys: keySets[name] }) };
  unit = await createUnit({ ...dataVariables, MESH_ROOTS: namespace as unknown as DataEnv["MESH_ROOTS"] }, Date.now);
  const caller = mesh.callerOf("capabilities");
  const credentials = {
    forTenant: (call: SignedCall, reader?: TenantReader) => connectionForCall(unit, call, reader),
  };
  const started = await startExportBucket();
  ({ stop } = started);
  exports = createExports({
    keys: mesh.keys,
    connections: createTenantConnections({ credentials, caller, now: Date.now }),
    dataKeys: testTenantKeys(Promise.resolve(unit), caller).of,
    bucket: started.bucket,
    documentBucket: { get: () => Promise.reject(new Error("no documents here")) },
    toStream,
    gateway,
    now: Date.now,
    randomBytes: (length) => Uint8Array.from(randomBytes(length)),
    openDestination: async () => null,
  });
  [{ org }, { org: theirs }] = await Promise.all([freshTenant(), freshTenant()]);
});
afterAll(() => stop());

const methods = Object.keys(methodRights) as (keyof ExportsRpc)[];
const isClocks = (name: keyof ExportsRpc): boolean => methodRights[name].jobs.length > 0;
const asPerson = async (who = owner, of = org): Promise<SignedCall> =>
  mesh.callerOf("studio").asUser("capabilities.exports", await mesh.accessToken({ ...who, org: of }), newId("request"));
const asClock = (of = org): Promise<SignedCall> =>
  mesh.callerOf("studio").asJob("capabilities.exports", "run_exports", of, newId("request"));
const spec = { source: "inventory", format: "csv", devices: null, documents: null, fromMs: null, toMs: null } as const;
const orderOf = (wrappedKey: string, id = newId("export")) => ({
  export: id,
  spec,
  wrappedKey,
  parts: [],
  part: 1,
  before: null,
  cursor: null,
  rows: 0,
  asOfMs: Date.now(),
  createdAt: new Date().toISOString(),
  reader: { user: owner.user, role: "readonly" as const },
  destination: { kind: "download" as const },
  target: null,
  readAudit: async () => [],
  requestedBy: owner.user,
  requestedRole: owner.role,
  noteReading: async () => true,
  isWanted: async () => true,
  onProgress: async () => true,
});
const argumentsOf = (name: keyof ExportsRpc): unknown[] => {
  if (name === "prepare") return [spec, newId("export")];
  return name === "discard" ? [newId("export"), []] : [orderOf("d1.none")];
};
const invoke = (name: keyof ExportsRpc, call: SignedCall): Promise<unknown> =>
  (exports[name] as (...given: unknown[]) => Promise<unknown>)(call, ...argumentsOf(name));

describe.each(methods)("%s", (name) => {
  const genuine = (): Promise<SignedCall> => (isClocks(name) ? asClock() : asPerson());
  const refused = (call: SignedCall): Promise<void> =>
    expect(invoke(name, call)).rejects.toMatchObject({ name: "CallRefused" });

  it("refuses a call without an assertion, and one for another entrypoint", async () => {
    const { accessToken } = await genuine();
    for (const assertion of ["", "a.b.c", undefined as unknown as string]) await refused({ assertion, accessToken });
    const studio = mesh.callerOf("studio");
    const token = await mesh.accessToken({ ...owner, org });
    await refused(await studio.asUser("capabilities.documents", token, newId("request")));
    await refused(await studio.asJob("capabilities.documents", "tend_documents", org, newId("request")));
  });

  it("refuses what is over, and a certificate of another authority", async () => {
    const anHourAgo = (): number => Date.now() - 3_700_000;
    const late = mesh.callerOf("studio", anHourAgo);
    const token = await mesh.accessToken({ ...owner, org });
    await refused(await late.asUser("capabilities.exports", token, newId("request")));
    const forged = await createTestMesh();
    const theirToken = await forged.accessToken({ ...owner, org });
    await refused(await forged.callerOf("studio").asUser("capabilities.exports", theirToken, newId("request")));
    await refused(await forged.callerOf("studio").asJob("capabilities.exports", "run_exports", org, newId("request")));
  });

  it("refuses the same call twice, and a person where the clock belongs or the other way round", async () => {
    const call = await genuine();
    await invoke(name, call).catch(() => undefined);
    await expect(invoke(name, call)).rejects.toMatchObject({ name: "CallRefused", reason: "replayed" });
    await refused(await (isClocks(name) ? asPerson() : asClock()));
  });
});

describe("the right organisation", () => {
  it("opens no other organisation's export, and no other export of its own, with any key", async () => {
    const id = newId("export");
    const prepared = await exports.prepare(await asPerson(owner, theirs), spec, id);
    if (!prepared.ok) throw new Error(prepared.code);
    const order = orderOf(prepared.value.wrappedKey, id);
    expect((await exports.step(await asClock(theirs), order)).ok).toBe(true);
    // Whichever way it fails: it is another key, or sealed for another export.
    const opens = (call: SignedCall, of: typeof order): Promise<boolean> =>
      exports.step(call, of).then(
        ({ ok }) => ok,
        () => false,
      );
    expect(await opens(await asClock(org), order)).toBe(false);
    expect(await opens(await asClock(theirs), { ...order, export: newId("export") })).toBe(false);
    expect(await opens(await asClock(theirs), order)).toBe(true);
  });
});

describe("the job's connection", () => {
  const credentials = (reader: unknown, call?: Promise<SignedCall>): Promise<unknown> => {
    const caller = mesh.callerOf("capabilities");
    const job = caller.asJob("data.credentials", "run_exports", org, newId("request"));
    return (call ?? job).then((signed) => connectionForCall(unit, signed, reader as TenantReader));
  };

  it("is only somebody's who reads: never everybody's, an owner's or an administrator's", async () => {
    for (const role of ["viewer", "analyst", "readonly"])
      expect(await credentials({ user: owner.user, role })).toMatchObject({ org });
    for (const role of ["owner", "admin", "system", "", "constructor"])
      await expect(credentials({ user: owner.user, role })).rejects.toMatchObject({ name: "CallRefused" });
    await expect(credentials({ user: "nobody", role: "readonly" })).rejects.toMatchObject({ name: "CallRefused" });
    await expect(credentials(undefined)).rejects.toMatchObject({ name: "CallRefused" });
  });

  it("of any other job or person takes nobody else's word for who reads", async () => {
    const caller = mesh.callerOf("capabilities");
    const other = caller.asJob("data.credentials", "tend_documents", org, newId("request"));
    await expect(credentials({ user: owner.user, role: "readonly" }, other)).rejects.toMatchObject({
      name: "CallRefused",
    });
    const viewer = await mesh.accessToken({ ...person("viewer"), org });
    const user = caller.asUser("data.credentials", viewer, newId("request"));
    await expect(credentials({ user: owner.user, role: "readonly" }, user)).rejects.toMatchObject({
      name: "CallRefused",
    });
  });
});
