import { beforeEach, describe, expect, it } from "vitest";
import type { OrgId, UserId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { Job } from "../../../core/mesh/workloads.ts";
import type { TenantConnection } from "../../../core/rpc/data.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { type TenantScope, tenantScope } from "../../../store/tenant/tenant-scope.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import { createTestMesh, newId } from "./mesh.ts";

const mesh = await createTestMesh();
const studio = mesh.callerOf("studio");
const org = newId("org");
const user = newId("user");

let nowMs: number;
let asked: SignedCall[];
let connect: ReturnType<typeof createTenantConnections>;
beforeEach(() => {
  nowMs = Date.now();
  asked = [];
  connect = createTenantConnections({
    caller: mesh.callerOf("capabilities"),
    now: () => nowMs,
    credentials: {
      async forTenant(call): Promise<TenantConnection> {
        asked.push(call);
        const verified = await verifyCall(
          call,
          { audience: "data.credentials", users: true, jobs: ["enroll"] },
          mesh.keys,
          Date.now(),
        );
        if (verified.org === null) throw new Error("no organisation");
        const rowScope = verified.kind === "user" ? `${verified.sub} ${verified.role}` : verified.job;
        const expiresAtMs = nowMs + 300_000;
        return {
          org: verified.org,
          databaseUrl: "postgres://u:p@h/d",
          fallbackDatabaseUrl: null,
          rowScope,
          expiresAtMs,
        };
      },
    },
  });
});

async function verified(
  call: SignedCall,
  jobs: readonly Job[] = [],
): Promise<{ call: SignedCall; scope: TenantScope }> {
  const scope = tenantScope(
    await verifyCall(call, { audience: "capabilities.devices", users: true, jobs }, mesh.keys, Date.now()),
  );
  if (scope === null) throw new Error("no scope");
  return { call, scope };
}
const person = async (who: { user?: UserId; org?: OrgId; role?: Role }) => {
  const token = await mesh.accessToken({ user, org, role: "admin", ...who });
  return verified(await studio.asUser("capabilities.devices", token, newId("request")));
};
const fetchFor = async ({ call, scope }: { call: SignedCall; scope: TenantScope }, fresh = false) =>
  connect(call)(scope, { fresh });

describe("tenants' connections", () => {
  it("are asked for once and kept for the same person in the same role of the same tenant", async () => {
    const first = await fetchFor(await person({}));
    expect(await fetchFor(await person({}))).toEqual(first);
    expect(asked).toHaveLength(1);
  });

  it("are never shared with another person, role, tenant or job", async () => {
    const job = await verified(await studio.asJob("capabilities.devices", "enroll", org, newId("request")), ["enroll"]);
    const askers = [
      await person({}),
      await person({ user: newId("user") }),
      await person({ role: "viewer" }),
      await person({ org: newId("org") }),
      job,
    ];
    const scopes: string[] = [];
    for (const asker of askers) scopes.push((await fetchFor(asker)).rowScope);
    expect(asked).toHaveLength(5);
    expect(scopes[2]).toBe(`${user} viewer`);
    expect(scopes[4]).toBe("enroll");
  });

  it("are asked for with the person's own access token, not with one of ours", async () => {
    const asker = await person({});
    await fetchFor(asker);
    expect(asked[0]?.accessToken).toBe(asker.call.accessToken);
    expect(asked[0]?.assertion).not.toBe(asker.call.assertion);
  });

  it("are renewed before they end, and on demand", async () => {
    const asker = await person({});
    await fetchFor(asker);
    nowMs += 300_000 - 59_999;
    await fetchFor(asker);
    expect(asked).toHaveLength(2);
    await fetchFor(asker, true);
    expect(asked).toHaveLength(3);
  });

  it("are not kept when asking failed", async () => {
    const asker = await person({});
    await fetchFor(asker);
    const broken = { call: { ...asker.call, accessToken: "forged" }, scope: asker.scope };
    await expect(fetchFor(broken, true)).rejects.toThrow();
    await fetchFor(asker);
    expect(asked).toHaveLength(2);
  });
});
