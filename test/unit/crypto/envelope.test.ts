import { describe, expect, it } from "vitest";
import { importEnvelopeKey, openEnvelope, sealEnvelope } from "../../../core/crypto/envelope.ts";

const keyText = Buffer.alloc(32, 7).toString("base64url");
const nonce = new Uint8Array(12).fill(3);
const secret = new Uint8Array(new TextEncoder().encode("a private key"));
const context = { purpose: "access-signing-key", kid: "k1" };

describe("envelopes", () => {
  it("open under the same key and context", async () => {
    const key = await importEnvelopeKey(keyText);
    const sealed = await sealEnvelope(key, context, secret, nonce);
    expect(sealed.startsWith("v1.")).toBe(true);
    expect(await openEnvelope(key, context, sealed)).toEqual(secret);
  });

  it("do not open for another purpose, another kid, another key, or when one character changed", async () => {
    const key = await importEnvelopeKey(keyText);
    const other = await importEnvelopeKey(Buffer.alloc(32, 8).toString("base64url"));
    const sealed = await sealEnvelope(key, context, secret, nonce);
    const last = sealed.at(-2);
    const changed = `${sealed.slice(0, -2)}${last === "A" ? "B" : "A"}${sealed.at(-1)}`;
    await expect(openEnvelope(key, { ...context, purpose: "mesh-signing-key" }, sealed)).rejects.toThrow();
    await expect(openEnvelope(key, { ...context, kid: "k2" }, sealed)).rejects.toThrow();
    await expect(openEnvelope(other, context, sealed)).rejects.toThrow();
    await expect(openEnvelope(key, context, changed)).rejects.toThrow();
    await expect(openEnvelope(key, context, sealed.replace("v1", "v2"))).rejects.toThrow("known version");
    await expect(openEnvelope(key, context, "")).rejects.toThrow("known version");
  });

  it("take a key of exactly 32 bytes", async () => {
    for (const wrong of ["", "short", Buffer.alloc(31).toString("base64url"), `${keyText}=`, "é"]) {
      await expect(importEnvelopeKey(wrong)).rejects.toThrow("32 bytes");
    }
  });
});
