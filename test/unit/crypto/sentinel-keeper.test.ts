import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyUnavailable } from "../../../core/crypto/key-wrapper.ts";
import { createSentinelKeeper } from "../../../core/crypto/sentinel-keeper.ts";
import { makeId, type OrgId } from "../../../core/ids.ts";

const random = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from(randomBytes(length));
const newOrg = (): OrgId => makeId("org", Date.now(), random(10));
const newKey = (): string => randomBytes(32).toString("base64url");

const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "opened",
    (error: unknown) => (error instanceof KeyUnavailable ? error.reason : String(error)),
  );

describe("Sentinel's own key-encryption key", () => {
  it("unwraps what it wrapped, and shows nothing of it before", async () => {
    const keeper = await createSentinelKeeper(newKey(), null, random);
    const org = newOrg();
    const key = random(32);
    const wrapped = await keeper.wrap(org, key, "backup:bak_1");
    expect(await keeper.unwrap(org, wrapped, "backup:bak_1")).toEqual(key);
    expect(wrapped).not.toContain(Buffer.from(key).toString("base64url"));
  });

  it("refuses a wrapped key of another organisation, of another purpose, changed anywhere or cut short", async () => {
    const keeper = await createSentinelKeeper(newKey(), null, random);
    const org = newOrg();
    const wrapped = await keeper.wrap(org, random(32), "backup:bak_1");
    expect(await reasonOf(keeper.unwrap(newOrg(), wrapped, "backup:bak_1"))).toBe("refused");
    expect(await reasonOf(keeper.unwrap(org, wrapped, "backup:bak_2"))).toBe("refused");
    await fc.assert(
      fc.asyncProperty(fc.nat(wrapped.length - 1), fc.nat(63), async (at, digit) => {
        const letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[digit] ?? "A";
        const changed = `${wrapped.slice(0, at)}${letter}${wrapped.slice(at + 1)}`;
        fc.pre(changed !== wrapped);
        expect(await reasonOf(keeper.unwrap(org, changed, "backup:bak_1"))).toMatch(/refused|malformed/);
        expect(await reasonOf(keeper.unwrap(org, wrapped.slice(0, at), "backup:bak_1"))).toMatch(/refused|malformed/);
      }),
    );
  });

  it("opens what the key of before wrapped as long as it is configured, and wraps under the new one alone", async () => {
    const [before, now] = [newKey(), newKey()];
    const org = newOrg();
    const key = random(32);
    const old = await createSentinelKeeper(before, null, random);
    const wrapped = await old.wrap(org, key, "data-key:1");

    const both = await createSentinelKeeper(now, before, random);
    expect(await both.unwrap(org, wrapped, "data-key:1")).toEqual(key);
    expect(both.isCurrent(wrapped)).toBe(false);
    const moved = await both.wrap(org, key, "data-key:1");
    expect(both.isCurrent(moved)).toBe(true);

    const alone = await createSentinelKeeper(now, null, random);
    expect(await alone.unwrap(org, moved, "data-key:1")).toEqual(key);
    expect(await reasonOf(alone.unwrap(org, wrapped, "data-key:1"))).toBe("refused");
  });

  it("does not start with a key that is none, and wraps nothing but a key for a purpose", async () => {
    await expect(createSentinelKeeper("short", null, random)).rejects.toThrow("32 bytes");
    await expect(createSentinelKeeper(newKey(), "short", random)).rejects.toThrow("32 bytes");
    const keeper = await createSentinelKeeper(newKey(), null, random);
    await expect(keeper.wrap(newOrg(), random(31), "backup:1")).rejects.toThrow(RangeError);
    for (const purpose of ["", "a b", 'a"b', "x".repeat(129)])
      await expect(keeper.wrap(newOrg(), random(32), purpose)).rejects.toThrow(RangeError);
  });
});
