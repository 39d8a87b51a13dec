import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Enrollment, EnrollmentCode, Result } from "../../../core/rpc/capabilities.ts";
import { sql } from "../../../store/connect.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { type FreshTenant, runAs, setup } from "../support.ts";
import { accepted, codeOf, createWorld, hasReceipt, owner, type Person, type World } from "./support.ts";

const time = { ms: 0 };
let world: World;
let tenant: FreshTenant;
beforeAll(async () => {
  world = await createWorld({ limitScale: 1, time });
  tenant = await world.tenant();
});
/** A window that somebody else's test filled is over. */
beforeEach(() => {
  time.ms += 3600_000;
});

const newCode = async (over: { maxUses?: number } = {}) => {
  const input = { slug: "green-hill", name: "Lab 2", expiresInSeconds: 3600, maxUses: 1000, ...over };
  return accepted(await world.devices.createEnrollmentCode(await world.as(tenant.org, owner), input));
};
const enrol = async (code: string, requestId = newId("request")) =>
  await world.devices.enroll(await world.enrolling(tenant.org, requestId), {
    code,
    name: "Laptop",
    platform: "linux",
    publicKey: null,
  });
const open = async (id: EnrollmentCode["id"], perMinute: number, minutes: number, by: Person = owner) =>
  await world.devices.openRollout(await world.as(tenant.org, by), id, { perMinute, minutes });
const kindOf = (result: Result<Enrollment>): string => (result.ok ? result.value.kind : result.code);
const usesOf = async (id: string): Promise<unknown> => {
  const [rows] = await tenant.run("system", null, sql`SELECT uses FROM enrollment_codes WHERE id = ${id}`);
  return rows?.[0]?.["uses"];
};
/** Arranges what no application role may do. */
const asSuperuser = (text: string) =>
  runAs(setup.superuserUrls[tenant.placement] ?? "", `SET search_path = ${tenant.name}; ${text}`);

describe("a code", () => {
  it("enrols ten devices in a minute, the next one nothing at all, and ten more a minute later", async () => {
    const { code, id } = await newCode();
    const at = await Promise.all(Array.from({ length: 25 }, () => enrol(code)));
    expect(at.filter((result) => kindOf(result) === "enrolled")).toHaveLength(10);
    expect(at.filter((result) => kindOf(result) === "limited")).toHaveLength(15);
    const requestId = newId("request");
    const refused = accepted(await enrol(code, requestId));
    expect(refused).toMatchObject({ kind: "limited", rate: { allowed: false, limit: 10, remaining: 0 } });
    expect([await usesOf(id), await hasReceipt(tenant, requestId)]).toEqual([10, false]);
    time.ms += 60_000;
    expect(kindOf(await enrol(code))).toBe("enrolled");
  });

  it("has a count of its own", async () => {
    const [one, another] = [await newCode(), await newCode()];
    for (let device = 0; device < 11; device += 1) await enrol(one.code);
    expect(kindOf(await enrol(one.code))).toBe("limited");
    expect(kindOf(await enrol(another.code))).toBe("enrolled");
  });

  it("that is none fills no count", async () => {
    const { code, id } = await newCode({ maxUses: 1 });
    accepted(await enrol(code));
    for (let guess = 0; guess < 20; guess += 1) expect(kindOf(await enrol(code))).toBe("invalid_enrollment_code");
    expect(await usesOf(id)).toBe(1);
  });
});

describe("a roll-out", () => {
  it("lets as many enrol in a minute as it says, and no more", async () => {
    const { code, id } = await newCode();
    const opened = accepted(await open(id, 25, 10));
    expect(opened.rollout?.perMinute).toBe(25);
    const at = await Promise.all(Array.from({ length: 40 }, () => enrol(code)));
    expect(at.filter((result) => kindOf(result) === "enrolled")).toHaveLength(25);
  });

  it("ends by itself, and is then nowhere to be seen", async () => {
    const { code, id } = await newCode();
    accepted(await open(id, 25, 10));
    for (let device = 0; device < 12; device += 1) expect(kindOf(await enrol(code))).toBe("enrolled");
    await asSuperuser(`UPDATE enrollment_codes SET rollout_until = now() WHERE id = '${id}'`);
    expect(kindOf(await enrol(code))).toBe("limited");
    const call = await world.as(tenant.org, owner);
    const { items } = accepted(await world.devices.listEnrollmentCodes(call, { limit: 200, cursor: null }));
    expect(items.find((item) => item.id === id)?.rollout).toBeNull();
  });

  it("is replaced by the next, and ended early by one of the usual size", async () => {
    const { id } = await newCode();
    accepted(await open(id, 600, 60));
    expect(accepted(await open(id, 10, 1)).rollout?.perMinute).toBe(10);
  });

  it("is nobody's to open who does not manage enrolment", async () => {
    const { id } = await newCode();
    for (const role of ["analyst", "viewer", "readonly"] as const)
      expect(codeOf(await open(id, 20, 1, { user: newId("user"), role }))).toBe("forbidden");
  });

  it("is not opened on another organisation's code, a revoked, expired or used one, or none", async () => {
    const other = await world.tenant();
    const { id: foreign } = accepted(
      await world.devices.createEnrollmentCode(await world.as(other.org, owner), {
        slug: "other",
        name: "x",
        expiresInSeconds: 60,
        maxUses: 1,
      }),
    );
    const [revoked, expired, used] = [await newCode(), await newCode(), await newCode({ maxUses: 1 })];
    accepted(await world.devices.revokeEnrollmentCode(await world.as(tenant.org, owner), revoked.id));
    await asSuperuser(`UPDATE enrollment_codes SET expires_at = now() WHERE id = '${expired.id}'`);
    accepted(await enrol(used.code));
    for (const id of [foreign, revoked.id, expired.id, used.id, newId("enrollmentCode")])
      expect(codeOf(await open(id, 20, 1))).toBe("not_found");
  });

  it("has bounds: 600 a minute, for a day", async () => {
    const { id } = await newCode();
    for (const [perMinute, minutes] of [
      [0, 1],
      [601, 1],
      [1.5, 1],
      [10, 0],
      [10, 1441],
      [Number.NaN, 1],
    ] as const)
      expect(codeOf(await open(id, perMinute, minutes))).toBe("invalid_request");
    const past = `UPDATE enrollment_codes SET rollout_per_minute = 601, rollout_until = now() WHERE id = '${id}'`;
    await expect(asSuperuser(past)).rejects.toThrow(/check/i);
  });
});
