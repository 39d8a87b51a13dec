import { createHash } from "node:crypto";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { sql } from "../../../store/connect.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { type FreshTenant, runAs, setup } from "../support.ts";
import { accepted, codeOf, createWorld, enrolOne, hasReceipt, owner, type World } from "./support.ts";

let world: World;
let tenant: FreshTenant;
beforeAll(async () => {
  world = await createWorld();
  tenant = await world.tenant();
});
afterEach(() => {
  world.hub.before = () => undefined;
});

const machine = { name: "Laptop 7", platform: "linux", publicKey: null };
const codeInput = { slug: "green-hill", name: "Lab 2", expiresInSeconds: 3600, maxUses: 5 };
const newCode = async (over: Partial<typeof codeInput> = {}) =>
  accepted(await world.devices.createEnrollmentCode(await world.as(tenant.org, owner), { ...codeInput, ...over }));
const enrol = async (code: string, requestId = newId("request")) =>
  world.devices.enroll(await world.enrolling(tenant.org, requestId), { code, ...machine });
const usesOf = async (id: string): Promise<unknown> => {
  const [rows] = await tenant.run("system", null, sql`SELECT uses FROM enrollment_codes WHERE id = ${id}`);
  return rows?.[0]?.["uses"];
};
const deviceCount = async (): Promise<unknown> => {
  const [rows] = await tenant.run("system", null, sql`SELECT count(*)::int AS n FROM devices`);
  return rows?.[0]?.["n"];
};

describe("an enrolment code", () => {
  it("is shown once: only its hash is stored, and no list has it", async () => {
    const made = await newCode();
    expect(made.code).toMatch(/^green-hill(-[0-9A-HJKMNP-TV-Z]{5}){4}$/);
    const [rows] = await tenant.run("owner", owner.user, sql`SELECT * FROM enrollment_codes WHERE id = ${made.id}`);
    const secret = made.code.slice("green-hill-".length).replaceAll("-", "");
    expect(rows?.[0]?.["code_sha256"]).toBe(createHash("sha256").update(`green-hill-${secret}`).digest("hex"));
    expect(JSON.stringify(rows)).not.toContain(secret);
    const listed = accepted(
      await world.devices.listEnrollmentCodes(await world.as(tenant.org, owner), { limit: 200, cursor: null }),
    );
    const { code, ...shown } = made;
    expect(listed.items).toContainEqual(shown);
    expect(JSON.stringify(listed)).not.toContain(code);
  });

  it("gives exactly as many devices as it has uses, however many redeem it at once", async () => {
    const { code, id } = await newCode({ maxUses: 5 });
    const before = Number(await deviceCount());
    const results = await Promise.all(Array.from({ length: 20 }, () => enrol(code)));
    expect(results.filter((result) => result.ok)).toHaveLength(5);
    expect(new Set(results.map(codeOf))).toEqual(new Set(["ok", "invalid_enrollment_code"]));
    expect(await usesOf(id)).toBe(5);
    expect(await deviceCount()).toBe(before + 5);
  });

  it("is taken as people type it", async () => {
    const { code } = await newCode();
    const typed = ` GREEN-hill-${code.slice(11).replaceAll("-", "").toLowerCase()} `;
    expect(codeOf(await enrol(typed))).toBe("ok");
  });

  it("says the same of every code that is not valid, and leaves nothing behind", async () => {
    const revoked = await newCode();
    accepted(await world.devices.revokeEnrollmentCode(await world.as(tenant.org, owner), revoked.id));
    const expired = await newCode();
    await tenantSuperuser(`UPDATE enrollment_codes SET expires_at = now() WHERE id = '${expired.id}'`);
    const spent = await newCode({ maxUses: 1 });
    accepted(await enrol(spent.code));
    const other = await world.tenant();
    const foreign = accepted(
      await world.devices.createEnrollmentCode(await world.as(other.org, owner), { ...codeInput, slug: "other" }),
    );
    const before = await deviceCount();
    const wrong = spent.code.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    for (const code of [revoked.code, expired.code, spent.code, foreign.code, wrong, "nonsense", "", "\u0000"]) {
      const requestId = newId("request");
      expect(await enrol(code, requestId)).toEqual({ ok: false, code: "invalid_enrollment_code" });
      expect(await hasReceipt(tenant, requestId)).toBe(false);
    }
    expect(await deviceCount()).toBe(before);
  });

  it("is redeemed only by a call for its own organisation", async () => {
    const other = await world.tenant();
    const { code } = await newCode();
    const result = await world.devices.enroll(await world.enrolling(other.org), { code, ...machine });
    expect(codeOf(result)).toBe("invalid_enrollment_code");
  });

  it("is refused before it is redeemed when the machine describes itself badly", async () => {
    const { code, id } = await newCode();
    for (const bad of [
      { name: "" },
      { name: "a\u0000" },
      { platform: "x".repeat(101) },
      { publicKey: "not base64!" },
    ]) {
      const input = { code, ...machine, ...bad };
      expect(codeOf(await world.devices.enroll(await world.enrolling(tenant.org), input))).toBe("invalid_request");
    }
    expect(await usesOf(id)).toBe(0);
  });

  it("is not made with a life, a number of uses, a name or a slug out of range", async () => {
    for (const bad of [
      { expiresInSeconds: 0 },
      { expiresInSeconds: 400 * 86_400 },
      { expiresInSeconds: 1.5 },
      { maxUses: 0 },
      { maxUses: 100_001 },
      { maxUses: Number.NaN },
      { name: " " },
      { slug: "No Slug" },
    ]) {
      const call = await world.as(tenant.org, owner);
      expect(codeOf(await world.devices.createEnrollmentCode(call, { ...codeInput, ...bad }))).toBe("invalid_request");
    }
  });
});

describe("an enrolled device", () => {
  it("has a token of its own whose hash alone is stored, in the table and in the hub", async () => {
    const { id, token } = await enrolOne(world, tenant.org);
    const hash = createHash("sha256").update(token).digest("hex");
    const [rows] = await tenant.run("system", null, sql`SELECT * FROM devices WHERE id = ${id}`);
    expect(rows?.[0]?.["token_sha256"]).toBe(hash);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(world.hub.of(tenant.org).tokens.get(id)).toBe(hash);
  });

  it("leaves the receipt of its request", async () => {
    const requestId = newId("request");
    const { code } = await newCode();
    accepted(await enrol(code, requestId));
    expect(await hasReceipt(tenant, requestId)).toBe(true);
  });

  it("is taken back, and its use returned, when the hub can't be told", async () => {
    const { code, id } = await newCode({ maxUses: 1 });
    const before = await deviceCount();
    world.hub.before = (method) => {
      if (method === "putDevice") throw new Error("the hub is away");
    };
    await expect(enrol(code)).rejects.toThrow("the hub is away");
    expect(await deviceCount()).toBe(before);
    expect(await usesOf(id)).toBe(0);
    world.hub.before = () => undefined;
    expect(codeOf(await enrol(code))).toBe("ok");
  });

  it("has no token that anybody knows when somebody removes it the moment it appears", async () => {
    const { code } = await newCode();
    world.hub.before = async (method) => {
      if (method !== "putDevice") return;
      world.hub.before = () => undefined;
      await tenant.run("system", null, sql`DELETE FROM devices WHERE id = (SELECT max(id) FROM devices)`);
    };
    expect(await enrol(code)).toEqual({ ok: false, code: "invalid_enrollment_code" });
  });
});

/** Arranges what no application role may do. */
async function tenantSuperuser(text: string): Promise<void> {
  await runAs(setup.superuserUrls[tenant.placement] ?? "", `SET search_path = ${tenant.name}; ${text}`);
}
