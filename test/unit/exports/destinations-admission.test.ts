/** Who is let in to destinations: both methods, with every kind of call that is not a genuine one for them. */
import { beforeAll, describe, expect, it } from "vitest";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { ExportDestinationsRpc } from "../../../core/rpc/export-destinations.ts";
import { type Role, roles } from "../../../core/tenancy/roles.ts";
import { createExportDestinations } from "../../../workers/capabilities/exports/destinations/destinations.ts";
import { createTestMesh, newId, type TestMesh } from "../capabilities/mesh.ts";

let mesh: TestMesh;
let destinations: ExportDestinationsRpc;
/** Nothing outside is reached by a call that was refused. */
const asked: string[] = [];
const org = newId("org");
const audience = "capabilities.export-destinations";
const settings = { kind: "webhook", url: "https://example.com/hook" } as const;

beforeAll(async () => {
  mesh = await createTestMesh();
  const unreachable = (): never => {
    throw new Error("nothing is asked before a call is admitted");
  };
  destinations = createExportDestinations({
    keys: mesh.keys,
    connections: () => unreachable,
    dataKeys: () => ({ seal: unreachable, open: unreachable, wrapper: { wrap: unreachable, unwrap: unreachable } }),
    gateway: "",
    now: Date.now,
    delivery: {
      ask: async ({ url }) => {
        asked.push(url.href);
        return "unreachable";
      },
      wait: async () => undefined,
      now: Date.now,
      loopback: new Set(),
    },
  });
});

const person = (role: Role = "owner") => ({ user: newId("user"), org, role });
const as = async (role?: Role): Promise<SignedCall> =>
  mesh.callerOf("studio").asUser(audience, await mesh.accessToken(person(role)), newId("request"));
const methods = {
  prepare: (call: SignedCall) => destinations.prepare(call, newId("exportDestination"), settings, null),
  tryOut: (call: SignedCall) =>
    destinations.tryOut(call, { id: newId("exportDestination"), settings, sealed: "d1.none" }),
};

describe.each(Object.entries(methods))("%s", (_name, invoke) => {
  const refused = async (call: SignedCall): Promise<void> => {
    await expect(invoke(call)).rejects.toMatchObject({ name: "CallRefused" });
    expect(asked).toEqual([]);
  };

  it("refuses a call without an assertion, or with what is none", async () => {
    const { accessToken } = await as();
    for (const assertion of ["", "a.b.c", undefined as unknown as string]) await refused({ assertion, accessToken });
  });

  it("refuses an assertion for another entrypoint, of exports themselves too, and any job's", async () => {
    const studio = mesh.callerOf("studio");
    const token = await mesh.accessToken(person());
    for (const other of ["capabilities.exports", "capabilities.documents"] as const)
      await refused(await studio.asUser(other, token, newId("request")));
    await refused(await studio.asJob("capabilities.exports", "run_exports", org, newId("request")));
  });

  it("refuses an assertion that is over, a token that is, and one of somebody else", async () => {
    const anHourAgo = (): number => Date.now() - 3_700_000;
    const token = await mesh.accessToken(person());
    await refused(await mesh.callerOf("studio", anHourAgo).asUser(audience, token, newId("request")));
    const old = await mesh.accessToken(person(), anHourAgo());
    await refused(await mesh.callerOf("studio").asUser(audience, old, newId("request")));
    await refused({ ...(await as()), accessToken: await mesh.accessToken(person()) });
    await refused({ ...(await as()), accessToken: null });
  });

  it("refuses a certificate of another authority", async () => {
    const forged = await createTestMesh();
    const token = await forged.accessToken(person());
    await refused(await forged.callerOf("studio").asUser(audience, token, newId("request")));
  });

  it("refuses the same call twice", async () => {
    const call = await as();
    await invoke(call).catch(() => undefined);
    await expect(invoke(call)).rejects.toMatchObject({ name: "CallRefused", reason: "replayed" });
  });

  it("is for owners and admins alone", async () => {
    for (const role of roles.filter((each) => each !== "owner" && each !== "admin"))
      expect([role, await invoke(await as(role))]).toEqual([role, { ok: false, code: "forbidden" }]);
  });
});
