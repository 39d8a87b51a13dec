import { expect, it } from "vitest";
import { makeReplyKey, openReply, ReplyBroken, sealReply } from "../../../core/crypto/reply-key.ts";
import { makeId } from "../../../core/ids.ts";

const newId = <K extends "org" | "command">(kind: K) =>
  makeId(kind, Date.now(), crypto.getRandomValues(new Uint8Array(10)));

it("a reply is sealed and opened by workerd's own cryptography, as by Node's", async () => {
  const place = { org: newId("org"), command: newId("command") };
  const pair = await makeReplyKey();
  const plaintext = Uint8Array.from(new TextEncoder().encode("the code is 4711"));
  const text = await sealReply(place, pair.publicKey, plaintext);
  expect(await openReply(place, pair, text)).toEqual(plaintext);
  await expect(openReply({ ...place, command: newId("command") }, pair, text)).rejects.toThrow(ReplyBroken);
  await expect(sealReply(place, "A".repeat(43), plaintext)).rejects.toThrow(ReplyBroken);
});
