import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { makeReplyKey, openReply, ReplyBroken, type ReplyKeyPair, sealReply } from "../../../core/crypto/reply-key.ts";
import { newId } from "../capabilities/mesh.ts";

const place = { org: newId("org"), command: newId("command") };
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text));
let pair: ReplyKeyPair;
beforeAll(async () => {
  pair = await makeReplyKey();
});

describe("a sealed reply", () => {
  it("opens as what it was, and says nothing of it outside", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), async (content) => {
        const plaintext = Uint8Array.from(content);
        const text = await sealReply(place, pair.publicKey, plaintext);
        expect(await openReply(place, pair, text)).toEqual(plaintext);
      }),
      { numRuns: 40 },
    );
    expect(await sealReply(place, pair.publicKey, bytesOf("same"))).not.toBe(
      await sealReply(place, pair.publicKey, bytesOf("same")),
    );
  });

  it("opens with no other key, for no other command, and in no other organisation", async () => {
    const text = await sealReply(place, pair.publicKey, bytesOf("secret"));
    const other = await makeReplyKey();
    const wrong: (readonly [typeof place, ReplyKeyPair])[] = [
      [place, other],
      [place, { ...pair, publicKey: other.publicKey }],
      [place, { ...pair, privateKey: other.privateKey }],
      [{ ...place, command: newId("command") }, pair],
      [{ ...place, org: newId("org") }, pair],
    ];
    for (const [at, key] of wrong) await expect(openReply(at, key, text)).rejects.toThrow(ReplyBroken);
  });

  it("does not open once any character of it was changed", async () => {
    const text = await sealReply(place, pair.publicKey, bytesOf("secret"));
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.constantFrom("A", "b", "_", ".", " ", "="), async (index, other) => {
        const changed = text.slice(0, index) + other + text.slice(index + 1);
        // The last character of base64url may hold bits that say nothing; what decodes to the same is the same.
        const opened = await openReply(place, pair, changed).catch((error: unknown) => error);
        if (changed === text) expect(opened).toEqual(bytesOf("secret"));
        else if (!(opened instanceof Uint8Array)) expect(opened).toBeInstanceOf(ReplyBroken);
        else
          expect(Buffer.from(changed.split(".")[2] ?? "", "base64url")).toEqual(
            Buffer.from(text.split(".")[2] ?? "", "base64url"),
          );
      }),
    );
  });

  it.each([
    ["nothing", ""],
    ["a point that every key agrees with", "A".repeat(43)],
    ["too short a key", "A".repeat(42)],
    ["what is no base64url", `${"A".repeat(42)}=`],
  ])("is not made for %s", async (_what, publicKey) => {
    await expect(sealReply(place, publicKey, bytesOf("secret"))).rejects.toThrow(ReplyBroken);
  });

  it("whose sender is a point that every key agrees with does not open", async () => {
    const [, , sealed] = (await sealReply(place, pair.publicKey, bytesOf("secret"))).split(".");
    await expect(openReply(place, pair, `r1.${"A".repeat(43)}.${sealed}`)).rejects.toThrow(ReplyBroken);
  });
});
