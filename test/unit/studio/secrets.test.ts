import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { clearedSessionCookie, sessionSecretOf } from "../../../workers/studio/auth/cookie.ts";
import { deriveKeys, mac } from "../../../workers/studio/auth/keys.ts";
import {
  createPasswordHasher,
  passwordLength,
  scryptParameters,
  waitingMax,
} from "../../../workers/studio/auth/passwords.ts";
import { looksLikeSecret, makeSecret, refreshSuccessor } from "../../../workers/studio/auth/secrets.ts";
import { openCursor, sealCursor } from "../../../workers/studio/http/cursor.ts";
import { invitationMail } from "../../../workers/studio/mail/messages.ts";
import { openAnswer, sealAnswer } from "../../../workers/studio/pipeline/sealed-answer.ts";
import { newPassword } from "../../../workers/studio/routes/auth/schemas.ts";

const quick = { ln: 4, r: 8, p: 1 };

describe("passwords", () => {
  it("are stored with their parameters and found again", async () => {
    const hasher = createPasswordHasher();
    const hashed = await hasher.hash("correct horse battery staple");
    if (hashed.kind !== "ok") throw new Error("busy");
    expect(hashed.hash).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await hasher.verify("correct horse battery staple", hashed.hash)).toEqual({
      kind: "right",
      outdated: false,
    });
    expect(await hasher.verify("correct horse battery stable", hashed.hash)).toEqual({ kind: "wrong" });
    expect(scryptParameters).toEqual({ ln: 15, r: 8, p: 3 });
  });

  it("are renewed when the parameters have risen", async () => {
    const old = await createPasswordHasher(quick).hash("a password of old");
    if (old.kind !== "ok") throw new Error("busy");
    const hasher = createPasswordHasher({ ...quick, ln: 5 });
    expect(await hasher.verify("a password of old", old.hash)).toEqual({ kind: "right", outdated: true });
  });

  it("of nobody are wrong, after the same work", async () => {
    expect(await createPasswordHasher(quick).verify("anything", null)).toEqual({ kind: "wrong" });
  });

  it("wait for one another, and only so many", async () => {
    const hasher = createPasswordHasher(quick);
    const attempts = Array.from({ length: waitingMax + 5 }, () => hasher.hash("the same password"));
    const outcomes = await Promise.all(attempts);
    expect(outcomes.filter(({ kind }) => kind === "ok")).toHaveLength(waitingMax + 1);
    expect(outcomes.slice(waitingMax + 1).every(({ kind }) => kind === "busy")).toBe(true);
    expect((await hasher.hash("again")).kind).toBe("ok");
  });

  it("count characters, not bytes or code units, in one normal form", async () => {
    expect(passwordLength("👩".repeat(15))).toBe(15);
    expect(passwordLength("e\u0301")).toBe(1);
    expect(newPassword.safeParse("x".repeat(14)).success).toBe(false);
    expect(newPassword.safeParse("👩".repeat(14)).success).toBe(false);
    expect(newPassword.safeParse("x".repeat(15)).success).toBe(true);
    expect(newPassword.safeParse("👩".repeat(128)).success).toBe(true);
    expect(newPassword.safeParse("x".repeat(129)).success).toBe(false);
    const hasher = createPasswordHasher(quick);
    const hashed = await hasher.hash("caf\u00e9 in Thiruvananthapuram");
    if (hashed.kind !== "ok") throw new Error("busy");
    expect((await hasher.verify("cafe\u0301 in Thiruvananthapuram", hashed.hash)).kind).toBe("right");
  });
});

describe("cursors", () => {
  const key = randomBytes(32);
  const scope = { key, route: "listMembers", owner: "org_a" } as const;

  it("open for the list they were made for", () => {
    for (const position of ["usr_1", "", "ünïcode", "a.b"])
      expect(openCursor(scope, sealCursor(scope, position))).toBe(position);
  });

  it("open for no other route, organisation or key, and not when altered", () => {
    const cursor = sealCursor(scope, "usr_1");
    expect(openCursor({ ...scope, route: "listDevices" }, cursor)).toBeNull();
    expect(openCursor({ ...scope, owner: "org_b" }, cursor)).toBeNull();
    expect(openCursor({ ...scope, key: randomBytes(32) }, cursor)).toBeNull();
    const [position, tag] = cursor.split(".");
    const other = `${Buffer.from("usr_2").toString("base64url")}.${tag}`;
    for (const text of ["", ".", position!, `${position}.`, `${cursor}.x`, other])
      expect(openCursor(scope, text)).toBeNull();
  });
});

describe("derived keys", () => {
  it("differ by use and by root", () => {
    const [one, two] = [deriveKeys(randomBytes(32)), deriveKeys(randomBytes(32))];
    const all = [...Object.values(one), ...Object.values(two)].map((key: Uint8Array) =>
      Buffer.from(key).toString("hex"),
    );
    expect(new Set(all).size).toBe(6);
  });

  it("authenticate a list of parts, not their concatenation", () => {
    const key = randomBytes(32);
    expect(mac(key, ["ab", "c"]).equals(mac(key, ["a", "bc"]))).toBe(false);
  });
});

describe("secrets", () => {
  it("are 256 random bits", () => {
    const secret = makeSecret((length) => new Uint8Array(randomBytes(length)));
    expect(looksLikeSecret(secret)).toBe(true);
    expect(Buffer.from(secret, "base64url")).toHaveLength(32);
  });

  it("succeed one another the same way each time, and only with the key", () => {
    const key = randomBytes(32);
    expect(refreshSuccessor(key, "parent")).toBe(refreshSuccessor(key, "parent"));
    expect(refreshSuccessor(randomBytes(32), "parent")).not.toBe(refreshSuccessor(key, "parent"));
  });

  it("in a cookie are found by its exact name alone", () => {
    const secret = "s".repeat(43);
    expect(sessionSecretOf(`a=b; __Host-sentinel_session=${secret}; c=d`)).toBe(secret);
    for (const header of [
      null,
      "",
      `sentinel_session=${secret}`,
      `x__Host-sentinel_session=${secret}`,
      "__Host-sentinel_session=short",
    ]) {
      expect(sessionSecretOf(header)).toBeNull();
    }
    expect(clearedSessionCookie()).toContain("Max-Age=0");
  });
});

describe("kept answers", () => {
  const answer = { status: 201, headers: { "Content-Type": "application/json" }, body: '{"token":"secret"}' };
  const nonce = () => new Uint8Array(randomBytes(12));

  it("open with the Idempotency-Key, for their own row, under studio's own salt", async () => {
    const salt = randomBytes(32);
    const sealed = await sealAnswer(salt, "key", "row", answer, nonce());
    expect(Buffer.from(sealed, "base64url").toString("latin1")).not.toContain("secret");
    expect(await openAnswer(salt, "key", "row", sealed)).toEqual(answer);
    await expect(openAnswer(salt, "kez", "row", sealed)).rejects.toThrow();
    await expect(openAnswer(salt, "key", "wor", sealed)).rejects.toThrow();
    await expect(openAnswer(randomBytes(32), "key", "row", sealed)).rejects.toThrow();
  });
});

describe("mail", () => {
  it("lets an organisation's name start no line of its own", () => {
    const organisation = "School\r\n\r\nPay here: https://evil.test\u202e";
    const { text, subject } = invitationMail("a@b.cc", {
      publicUrl: new URL("https://sentinel.test"),
      token: "t",
      organisation,
      role: "viewer",
    });
    expect(text.split("\n").filter((line) => line.startsWith("Pay"))).toEqual([]);
    expect(text).not.toContain("\u202e");
    expect(subject).not.toContain("School");
  });
});
