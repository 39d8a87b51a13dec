import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { clearedSessionCookie, sessionSecretOf } from "../../../workers/studio/auth/cookie.ts";
import { deriveKeys, mac } from "../../../workers/studio/auth/keys.ts";
import { looksLikeSecret, makeSecret, refreshSuccessor } from "../../../workers/studio/auth/secrets.ts";
import { openCursor, sealCursor } from "../../../workers/studio/http/cursor.ts";
import { invitationMail } from "../../../workers/studio/mail/messages.ts";
import { openAnswer, sealAnswer } from "../../../workers/studio/pipeline/sealed-answer.ts";

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
    expect(all.length).toBeGreaterThan(6);
    expect(new Set(all).size).toBe(all.length);
  });

  it("authenticate a list of parts, not their concatenation", () => {
    const key = randomBytes(32);
    expect(mac(key, ["ab", "c"]).equals(mac(key, ["a", "bc"]))).toBe(false);
  });
});

describe("secrets", () => {
  it("are 256 random bits", () => {
    const drawn: Uint8Array[] = [];
    const secret = makeSecret((length) => {
      drawn.push(new Uint8Array(randomBytes(length)));
      return drawn.at(-1) as Uint8Array<ArrayBuffer>;
    });
    expect(looksLikeSecret(secret)).toBe(true);
    // All of what was drawn, and nothing else.
    expect([...Buffer.from(secret, "base64url")]).toEqual([...(drawn[0] ?? [])]);
    expect([drawn.length, drawn[0]?.length]).toEqual([1, 32]);
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
