import { createHmac, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { formatWebhookSecret, webhookHeaders } from "../../../core/crypto/webhook-signature.ts";

describe("a message's signature (Standard Webhooks)", () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const raw = new Uint8Array(Buffer.from(secret.slice(6), "base64"));
  const message = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", sentAtMs: 1614265330_999, body: '{"test": 2432232314}' };

  it("is that of the reference libraries' own example", async () => {
    expect(await webhookHeaders(message, [raw])).toEqual({
      "webhook-id": message.id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
    expect(formatWebhookSecret(raw)).toBe(secret);
  });

  it("is made under each secret, the newest first", async () => {
    const other = new Uint8Array(randomBytes(32));
    const signed = `${message.id}.1614265330.${message.body}`;
    const expected = `v1,${createHmac("sha256", other).update(signed).digest("base64")}`;
    const { "webhook-signature": both } = await webhookHeaders(message, [other, raw]);
    expect(both).toBe(`${expected} v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=`);
  });

  it("is another's when the id, the second or the body is", async () => {
    const { "webhook-signature": signature } = await webhookHeaders(message, [raw]);
    for (const change of [{ id: "msg_2" }, { sentAtMs: message.sentAtMs + 1 }, { body: "{}" }]) {
      expect((await webhookHeaders({ ...message, ...change }, [raw]))["webhook-signature"]).not.toBe(signature);
    }
  });
});
