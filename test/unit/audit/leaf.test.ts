import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AuditFields } from "../../../core/audit/events.ts";
import {
  commit,
  committedFields,
  jcs,
  leafHash,
  leafJson,
  type Sha256,
  type UnhashedEntry,
} from "../../../core/audit/leaf.ts";
import { parseAuditFields } from "../../../core/audit/parse.ts";

const sha256: Sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const page = readFileSync(new URL("../../../docs/audit-leaf.md", import.meta.url).pathname, "utf8");
function block(name: string): string {
  const found = new RegExp(`\`\`\`\\w+ ${name}\\n([\\s\\S]*?)\\n\`\`\``).exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/audit-leaf.md has no example ${name}`);
  return found;
}

const example = JSON.parse(block("entry")) as UnhashedEntry;
const salts = Object.fromEntries(
  Object.entries(JSON.parse(block("salts")) as Record<string, string>).map(([field, hex]) => [
    field,
    new Uint8Array(Buffer.from(hex, "hex")),
  ]),
);

describe("the audit leaf", () => {
  it("is what docs/audit-leaf.md says, byte for byte", () => {
    expect(parseAuditFields(example.event)).toEqual(example.event);
    expect(leafJson(example, salts, sha256)).toBe(block("leaf"));
    expect(leafHash(block("leaf"), sha256)).toBe(block("hash"));
  });

  it("can be recomputed with nothing but a hash and JSON", () => {
    const leaf = JSON.parse(block("leaf")) as { event: Record<string, { sha256: string }> };
    for (const [field, salt] of Object.entries(salts)) {
      const value = JSON.stringify((example.event as unknown as Record<string, string>)[field]);
      const expected = createHash("sha256").update(salt).update(value, "utf8").digest("hex");
      expect(leaf.event[field]?.sha256).toBe(expected);
    }
    const hash = createHash("sha256")
      .update(Buffer.from([0]))
      .update(block("leaf"), "utf8")
      .digest("hex");
    expect(hash).toBe(block("hash"));
  });

  it("does not depend on the order in which an entry's members were written", () => {
    const reversed = (value: object): object =>
      Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, item]) => [key, key === "event" ? reversed(item as object) : item]),
      );
    expect(leafJson(reversed(example) as UnhashedEntry, salts, sha256)).toBe(block("leaf"));
  });

  it("changes when any member changes", () => {
    const changed: Partial<UnhashedEntry>[] = [
      { log: "platform-1" },
      { seq: 43 },
      { at: "2026-11-22T03:04:05.679Z" },
      { request_id: "req_01jd3x2k8hf9v8v3k4m5n6p7q8" },
      { phase: "outcome" },
      { intent_seq: 41 },
      { result: "answered" },
      { event: { ...example.event, user_id: "usr_01jd3x2k8hf9v8v3k4m5n6p7qb" } as AuditFields },
      { event: { ...example.event, outcome: "failure" } as AuditFields },
    ];
    const hashes = changed.map((part) => leafHash(leafJson({ ...example, ...part }, salts, sha256), sha256));
    expect(new Set([...hashes, block("hash")]).size).toBe(changed.length + 1);
  });

  it("holds no personal value, only what nobody can open without the salt", () => {
    const address = fc.ipV4();
    const text = fc.string({ minLength: 12, maxLength: 40 });
    fc.assert(
      fc.property(address, text, fc.uint8Array({ minLength: 16, maxLength: 16 }), (ip, user_agent, salt) => {
        const event = parseAuditFields({ ...example.event, ip, user_agent });
        if (event === null) throw new Error("a valid event was refused");
        const leaf = leafJson({ ...example, event }, { user_id: salt, ip: salt, user_agent: salt }, sha256);
        expect(leaf).not.toContain(JSON.stringify(ip));
        expect(leaf).not.toContain(JSON.stringify(user_agent));
        expect(commit(salt, ip, sha256)).not.toEqual(commit(Buffer.alloc(16, 0xaa), ip, sha256));
      }),
    );
  });

  it("leaves a field that names nobody as null, and will not hash a person without a salt", () => {
    const nobody = { ...example.event, user_id: null } as AuditFields;
    expect(committedFields(nobody)).toEqual(["ip", "user_agent"]);
    expect(JSON.parse(leafJson({ ...example, event: nobody }, salts, sha256)).event.user_id).toBeNull();
    expect(() => leafJson(example, {}, sha256)).toThrow("no salt");
    expect(() => commit(Buffer.alloc(15), "x", sha256)).toThrow("16 bytes");
  });

  it("is canonical JSON as RFC 8785 says: keys by UTF-16 code unit, numbers as ECMAScript writes them", () => {
    expect(jcs({ "\u20ac": 1, "\r": 2, "\ufb33": 3, 1: 4, "\ud83d\ude00": 5, "\u0080": 6, ö: 7 })).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
    );
    expect(jcs([Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001])).toBe(
      "[333333333.3333333,1e+30,4.5,0.002,1e-27]",
    );
  });
});
