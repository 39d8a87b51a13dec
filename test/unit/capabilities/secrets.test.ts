import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeDeviceToken, sha256Hex } from "../../../workers/capabilities/devices/secrets.ts";
import { random } from "./mesh.ts";

describe("a device token", () => {
  it("is a prefix and 256 random bits, and never the same twice", () => {
    const tokens = Array.from({ length: 100 }, () => makeDeviceToken(random));
    expect(new Set(tokens).size).toBe(100);
    for (const token of tokens) expect(token).toMatch(/^sdt_[A-Za-z0-9_-]{43}$/);
  });

  it("is stored as the SHA-256 that the hub computes", async () => {
    const token = makeDeviceToken(random);
    expect(await sha256Hex(token)).toBe(createHash("sha256").update(token).digest("hex"));
  });
});
