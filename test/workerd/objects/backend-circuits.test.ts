import { evictDurableObject } from "cloudflare:test";
import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { CircuitPolicy } from "../../../core/backends/circuit.ts";
import type { OrgId } from "../../../core/ids.ts";
import { verifyAccessToken } from "../../../core/mesh/access.ts";
import { createAccessKeySource } from "../../../core/mesh/keys.ts";
import type { BackendAdmission } from "../../../core/rpc/backends.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import {
  callerOf,
  entrypoints,
  newOrg,
  newRequest,
  newUser,
  objects,
  passTime,
  stopClock,
  userCall,
} from "./harness.ts";

beforeAll(stopClock);

const policy: CircuitPolicy = { windowMs: 10_000, callsMin: 3, failureRatio: 0.5, openMs: 5_000 };
const call = (org: OrgId, role: Role = "viewer") =>
  userCall("durable-objects.backends", org, newRequest(), newUser(), role);
const admit = async (org: OrgId, backend = "records", tries = 2): Promise<BackendAdmission> =>
  await entrypoints.Backends.admit(await call(org), backend, policy, tries);
const settle = async (org: OrgId, admission: BackendAdmission, failures: number, backend = "records") => {
  if (admission.kind !== "admitted") throw new Error("it was refused");
  const heard = { failures, answered: failures === 0 };
  await entrypoints.Backends.settle(await call(org), backend, policy, admission.ticket, heard);
};
async function failAll(org: OrgId): Promise<void> {
  for (let time = 0; time < policy.callsMin; time += 1) await settle(org, await admit(org), 1);
}
const state = async (org: OrgId) =>
  (await entrypoints.Backends.states(await call(org, "owner"), [{ name: "records", policy }]))[0]?.state;

describe("an assertion for a backend", () => {
  const published = async () => createLocalJWKSet(await entrypoints.PublicKeys.accessKeys());
  const expected = { issuer: "https://sentinel.test", typ: "sentinel-backend+jwt", algorithms: ["EdDSA"] };

  it("says who calls, for a minute, verifiably to whoever has the published keys, and is another for each try", async () => {
    const [org, user, rid] = [newOrg(), newUser(), newRequest()];
    const by = await userCall("durable-objects.backends", org, rid, user, "analyst");
    const admitted = await entrypoints.Backends.admit(by, "records", policy, 3);
    const assertions = admitted.kind === "admitted" ? admitted.assertions : [];
    expect(assertions).toHaveLength(3);
    for (const assertion of assertions) {
      const now = { currentDate: new Date(Date.now()) };
      const { payload } = await jwtVerify(assertion, await published(), {
        ...expected,
        ...now,
        audience: "backend:records",
      });
      expect(payload).toMatchObject({ sub: user, org, role: "analyst", rid });
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
      await expect(
        jwtVerify(assertion, await published(), { ...expected, ...now, audience: "backend:other" }),
      ).rejects.toThrow("aud");
    }
    expect(new Set(assertions.map((assertion) => decodeJwt(assertion).jti)).size).toBe(3);
  });

  it("is no access token, and an access token is none", async () => {
    const admitted = await admit(newOrg());
    const [assertion = ""] = admitted.kind === "admitted" ? admitted.assertions : [];
    const keys = createAccessKeySource("https://sentinel.test", () => entrypoints.PublicKeys.accessKeys(), Date.now);
    await expect(verifyAccessToken(assertion, keys, Date.now())).rejects.toThrow();
    const { accessToken } = await call(newOrg());
    const now = { currentDate: new Date(Date.now()) };
    await expect(jwtVerify(accessToken ?? "", await published(), { ...expected, ...now })).rejects.toThrow("typ");
  });

  it("is for nobody who is not there: neither a job nor another's token gets one", async () => {
    const org = newOrg();
    const job = await callerOf("studio").asJob("durable-objects.backends", "lifecycle", org, newRequest());
    await expect((async () => entrypoints.Backends.admit(job, "records", policy, 1))()).rejects.toThrow();
    const [mine, theirs] = [await call(org), await call(newOrg())];
    const mixed = { assertion: mine.assertion, accessToken: theirs.accessToken };
    await expect((async () => entrypoints.Backends.admit(mixed, "records", policy, 1))()).rejects.toThrow();
    const elsewhere = await userCall("durable-objects.audit-reader", org, newRequest());
    await expect((async () => entrypoints.Backends.admit(elsewhere, "records", policy, 1))()).rejects.toThrow();
  });
});

describe("circuits", () => {
  it("open for the organisation whose calls fail, and for no other organisation and no other backend", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await failAll(org);
    expect(await admit(org)).toEqual({ kind: "open", retryAfterMs: policy.openMs });
    expect([(await admit(other)).kind, (await admit(org, "billing")).kind]).toEqual(["admitted", "admitted"]);
    expect([await state(org), await state(other)]).toEqual(["open", "closed"]);
  });

  it("let one of a crowd through when their time is over, with one try, and all after two successes", async () => {
    const org = newOrg();
    await failAll(org);
    passTime(policy.openMs);
    for (const closesWith of ["half_open", "closed"]) {
      const crowd = await Promise.all(Array.from({ length: 20 }, () => admit(org, "records", 3)));
      const through = crowd.filter(({ kind }) => kind === "admitted");
      expect(through).toHaveLength(1);
      expect(through[0]).toMatchObject({ assertions: { length: 1 } });
      await settle(org, through[0] as BackendAdmission, 0);
      expect(await state(org)).toBe(closesWith);
    }
    expect(
      (await Promise.all(Array.from({ length: 20 }, () => admit(org)))).every(({ kind }) => kind === "admitted"),
    ).toBe(true);
  });

  it("keep nothing: an object that was evicted begins closed, and opens again as ever", async () => {
    const org = newOrg();
    await failAll(org);
    await evictDurableObject(objects.BACKEND_CIRCUITS.getByName(org));
    expect(await state(org)).toBe("closed");
    await failAll(org);
    expect(await state(org)).toBe("open");
  });

  it("are shown to owners and admins alone", async () => {
    const org = newOrg();
    for (const role of ["analyst", "viewer", "readonly"] as const)
      await expect((async () => entrypoints.Backends.states(await call(org, role), []))()).rejects.toThrow();
    for (const role of ["owner", "admin"] as const)
      expect(await entrypoints.Backends.states(await call(org, role), [])).toEqual([]);
  });

  it("take no backend and no number that can't be registered", async () => {
    const org = newOrg();
    const wrong: [string, CircuitPolicy, number][] = [
      ["../x", policy, 1],
      ["", policy, 1],
      ["records", { ...policy, openMs: 60_001 }, 1],
      ["records", { ...policy, failureRatio: 0 }, 1],
      ["records", { ...policy, callsMin: Number.NaN }, 1],
      ["records", policy, 4],
      ["records", policy, 0],
    ];
    for (const [name, odd, tries] of wrong)
      await expect((async () => entrypoints.Backends.admit(await call(org), name, odd, tries))()).rejects.toThrow(
        RangeError,
      );
  });
});
