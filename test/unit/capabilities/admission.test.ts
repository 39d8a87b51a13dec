import { beforeAll, describe, expect, it } from "vitest";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import { roles } from "../../../core/tenancy/roles.ts";
import { createDevices, deviceMethods } from "../../../workers/capabilities/devices/devices.ts";
import { methodRights } from "../../../workers/capabilities/devices/rights.ts";
import { createTestMesh, newId, random, type TestMesh } from "./mesh.ts";

const audience = "capabilities.devices";
const org = newId("org");
const user = newId("user");
let mesh: TestMesh;
let stranger: TestMesh;
let devices: DevicesRpc;
/** What was reached behind the admission: connections asked for and hub calls. */
let touched: string[];

beforeAll(async () => {
  [mesh, stranger] = await Promise.all([createTestMesh(), createTestMesh()]);
  const touch = (what: string) => (): never => {
    touched.push(what);
    throw new Error(`${what} was reached`);
  };
  devices = createDevices({
    keys: mesh.keys,
    caller: mesh.callerOf("capabilities"),
    dataKeys: () => new Proxy({}, { get: (_, name) => touch(`keys.${String(name)}`) }) as never,
    connections: () => touch("database"),
    hub: new Proxy({}, { get: (_, name) => touch(`hub.${String(name)}`) }) as never,
    limits: { consume: touch("limits") },
    limitScale: 1,
    gateway: "nowhere.invalid:1",
    now: Date.now,
    random,
  });
});

/** Calls a method with an argument list that a handler would choke on, were it reached. */
async function attempt(method: keyof DevicesRpc, call: SignedCall): Promise<unknown> {
  touched = [];
  const untyped = devices[method] as (call: SignedCall, ...rest: unknown[]) => Promise<unknown>;
  return untyped(call).catch((error: unknown) => (error as { reason?: string }).reason ?? error);
}

const asAdmin = async (): Promise<SignedCall> =>
  mesh.callerOf("studio").asUser(audience, await mesh.accessToken({ user, org, role: "admin" }), newId("request"));

/** Each way in which a call is not what it should be, and how it is refused. */
const badCalls: readonly [string, string, () => Promise<SignedCall>][] = [
  ["no assertion", "missing", async () => ({}) as never],
  ["nothing at all", "missing", async () => undefined as never],
  ["an assertion that is no token", "malformed", async () => ({ assertion: "x", accessToken: null })],
  [
    "an assertion of another mesh",
    "bad_certificate",
    async () => {
      const token = await stranger.accessToken({ user, org, role: "owner" });
      return stranger.callerOf("studio").asUser(audience, token, newId("request"));
    },
  ],
  [
    "an assertion for another audience",
    "wrong_audience",
    async () => {
      const token = await mesh.accessToken({ user, org, role: "owner" });
      return mesh.callerOf("studio").asUser("durable-objects.hub-control", token, newId("request"));
    },
  ],
  [
    "an assertion of two minutes ago",
    "expired",
    async () => {
      const token = await mesh.accessToken({ user, org, role: "owner" });
      return mesh.callerOf("studio", () => Date.now() - 120_000).asUser(audience, token, newId("request"));
    },
  ],
  [
    "an access token of another organisation",
    "access_token_mismatch",
    async () => ({
      ...(await asAdmin()),
      accessToken: await mesh.accessToken({ user, org: newId("org"), role: "admin" }),
    }),
  ],
  ["no access token", "access_token_mismatch", async () => ({ ...(await asAdmin()), accessToken: null })],
  [
    "an access token that has expired",
    "access_token_expired",
    async () => {
      const token = await mesh.accessToken({ user, org, role: "owner" }, Date.now() - 3700_000);
      return mesh.callerOf("studio").asUser(audience, token, newId("request"));
    },
  ],
  [
    "a Worker that may not call here",
    "not_granted",
    async () => mesh.callerOf("durable-objects").asJob(audience, "ingest", org, newId("request")),
  ],
];

describe("admission", () => {
  describe.each(deviceMethods)("of %s", (method) => {
    it.each(badCalls)("refuses %s before anything is reached", async (_, reason, call) => {
      // A method for jobs alone refuses a person before it looks at the person's token.
      const person = reason === "access_token_mismatch" || reason === "access_token_expired";
      const expected =
        person && method === "enroll" ? "user_not_accepted" : reason.replace("access_token_expired", "expired");
      expect(await attempt(method, await call())).toBe(expected);
      expect(touched).toEqual([]);
    });

    it("admits exactly the roles of the table", async () => {
      for (const role of roles) {
        const token = await mesh.accessToken({ user, org, role });
        const call = await mesh.callerOf("studio").asUser(audience, token, newId("request"));
        const outcome = await attempt(method, call);
        const { roles: allowed } = methodRights[method];
        if (allowed.length === 0) expect(outcome).toBe("user_not_accepted");
        else if (!allowed.includes(role)) expect(outcome).toEqual({ ok: false, code: "forbidden" });
        else expect(outcome).not.toEqual({ ok: false, code: "forbidden" });
        if (!allowed.includes(role)) expect(touched).toEqual([]);
      }
    });

    it("admits no job but enroll, and that one only to enroll", async () => {
      for (const job of ["anonymous_request", "sign_tokens", "provision", "enroll"] as const) {
        const outcome = await attempt(
          method,
          await mesh.callerOf("studio").asJob(audience, job, org, newId("request")),
        );
        if (method === "enroll" && job === "enroll") expect(outcome).toBeInstanceOf(TypeError);
        else expect(outcome).toBe("wrong_job");
        expect(touched).toEqual([]);
      }
    });
  });

  it("refuses an enrolment that names no organisation", async () => {
    const call = await mesh.callerOf("studio").asJob(audience, "enroll", null, newId("request"));
    expect(await attempt("enroll", call)).toBe("wrong_org");
    expect(touched).toEqual([]);
  });
});

describe("the table of rights", () => {
  it("gives every change to owner and admin alone, and enrolling to a job alone", () => {
    const reads = ["listDevices", "getDevice", "listCommands", "telemetry", "usage", "listGroups", "getGroup"];
    for (const method of deviceMethods) {
      const { roles: allowed, jobs } = methodRights[method];
      if (method === "enroll") expect([allowed, jobs]).toEqual([[], ["enroll"]]);
      else
        expect([method, allowed, jobs]).toEqual([method, reads.includes(method) ? [...roles] : ["owner", "admin"], []]);
    }
  });
});
