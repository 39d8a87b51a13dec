/** Who is let in to billing: every method, with every kind of call that is not a genuine one for it. */
import { beforeAll, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { BillingRpc } from "../../../core/rpc/billing.ts";
import { type Role, roles } from "../../../core/tenancy/roles.ts";
import { createBilling, tenantMethods } from "../../../workers/capabilities/billing/billing.ts";
import { invoiceProvider } from "../../../workers/capabilities/billing/invoice-provider.ts";
import { methodRights } from "../../../workers/capabilities/billing/rights.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import type { DataEnv } from "../../../workers/data/config.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import { createUnit } from "../../../workers/data/unit.ts";
import { createTestMesh, newId, type TestMesh } from "../../unit/capabilities/mesh.ts";
import { testTenantKeys } from "../capabilities/data-keys.ts";
import { asSuperuser, dataVariables, freshTenant, gateway } from "../support.ts";

let mesh: TestMesh;
let billing: BillingRpc;
let org: OrgId;
const audience = "capabilities.billing";
beforeAll(async () => {
  mesh = await createTestMesh();
  const caller = mesh.callerOf("capabilities");
  const keySets: Readonly<Record<string, unknown>> = { roots: mesh.rootKeys, access: mesh.accessKeys };
  const namespace = { get: async (name: string) => JSON.stringify({ keys: keySets[name] }) };
  const unit = await createUnit(
    { ...dataVariables, MESH_ROOTS: namespace as unknown as DataEnv["MESH_ROOTS"] },
    Date.now,
  );
  billing = createBilling({
    keys: mesh.keys,
    connections: createTenantConnections({
      credentials: { forTenant: (call: SignedCall) => connectionForCall(unit, call) },
      caller,
      now: Date.now,
    }),
    dataKeys: testTenantKeys(Promise.resolve(unit), caller).of,
    payments: invoiceProvider,
    gateway,
    now: Date.now,
  });
  ({ org } = await freshTenant());
});

type Method = (call: SignedCall, ...rest: unknown[]) => Promise<unknown>;
const methods = [...tenantMethods, "read"] as const;
const methodOf = (name: (typeof methods)[number]): Method => billing[name] as unknown as Method;
const request = () => newId("request");
/** An organisation that has never paid anybody: what `end` is given, and nothing to the others. */
const unpaid = { customer: null, subscription: null };
const token = (role: Role, of: OrgId = org) => mesh.accessToken({ user: newId("user"), org: of, role });
const as = async (role: Role) => mesh.callerOf("studio").asUser(audience, await token(role), request());
/** A genuine call for the method. */
const genuine = (name: (typeof methods)[number]): Promise<SignedCall> => {
  const studio = mesh.callerOf("studio");
  if (name === "read") return studio.asJob(audience, "take_payments", null, request());
  return methodRights[name].jobs.length > 0 ? studio.asJob(audience, "tend_billing", org, request()) : as("owner");
};

describe.each(methods)("%s", (name) => {
  const refused = async (call: SignedCall): Promise<void> =>
    expect(methodOf(name)(call, {})).rejects.toMatchObject({ name: "CallRefused" });

  it("takes a genuine call once", async () => {
    const call = await genuine(name);
    expect(await methodOf(name)(call, unpaid)).toMatchObject(name === "portal" ? { code: "not_found" } : { ok: true });
    await expect(methodOf(name)(call, unpaid)).rejects.toMatchObject({ reason: "replayed" });
  });

  it("refuses a call without an assertion, or with what is none", async () => {
    for (const assertion of ["", "a.b.c", undefined as unknown as string])
      await refused({ assertion, accessToken: await token("owner") });
  });

  it("refuses an assertion for another entrypoint, of another job, and one that is over", async () => {
    const studio = mesh.callerOf("studio");
    await refused(await studio.asUser("capabilities.llm", await token("owner"), request()));
    await refused(await studio.asJob(audience, "tend_documents", org, request()));
    const late = mesh.callerOf("studio", () => Date.now() - 3_700_000);
    await refused(await late.asJob(audience, name === "read" ? "take_payments" : "tend_billing", null, request()));
    await refused(await late.asUser(audience, await token("owner"), request()));
  });

  it("refuses a certificate of another authority, and a workload that may not call it", async () => {
    const forged = await createTestMesh();
    const studio = forged.callerOf("studio");
    await refused(await studio.asUser(audience, await token("owner"), request()));
    await refused(await studio.asJob(audience, "tend_billing", org, request()));
    await refused(await studio.asJob(audience, "take_payments", null, request()));
    await refused(await mesh.callerOf("capabilities").asJob(audience, "tend_billing", org, request()));
  });

  it("refuses a user's assertion with another's token, and a job of the wrong organisation", async () => {
    await refused({ ...(await as("owner")), accessToken: await token("owner") });
    const studio = mesh.callerOf("studio");
    await refused(
      name === "read"
        ? await studio.asJob(audience, "take_payments", org, request())
        : await studio.asJob(audience, "tend_billing", null, request()),
    );
  });
});

describe.each(tenantMethods.filter((name) => methodRights[name].roles.length > 0))("%s", (name) => {
  it("is for owners alone", async () => {
    for (const role of roles.filter((one) => one !== "owner"))
      expect([role, await methodOf(name)(await as(role), {})]).toEqual([role, { ok: false, code: "forbidden" }]);
  });
});

it("measures the call's own organisation", async () => {
  const { org: empty, name, placement } = await freshTenant();
  const key = { id: newId("llmProvider"), since: "2026-11-01T00:00:00.000Z" };
  await asSuperuser(
    `INSERT INTO ${name}.llm_providers (id, name, base_url, key_sealed, key_fingerprint, key_since, grace_days, models, roles,
       monthly_budget, place, masks, created_by)
     VALUES ($1, 'ours', 'https://api.openai.com/v1', 'sealed', repeat('0', 16), $2, 3, '[{}]', '{}', 1, 0, true, 'usr_x')`,
    [key.id, key.since],
    placement,
  );
  const call = await mesh.callerOf("studio").asJob(audience, "tend_billing", empty, request());
  expect(await billing.measure(call)).toMatchObject({
    ok: true,
    value: {
      devices: 0,
      llmMicros: 0,
      // Nothing of the key but how old it is.
      llmKeys: [{ provider: key.id, name: "ours", since: key.since, graceDays: 3 }],
    },
  });
});
