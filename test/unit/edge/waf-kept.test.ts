import { describe, expect, it } from "vitest";
import { type Asked, ask, attack } from "./waf-ask.ts";

describe("what is kept of a request", () => {
  it("is what was found and where, and nothing that names anybody", async () => {
    const { records } = await ask(
      {},
      { body: { name: attack, other: "kept by nobody" }, headers: { "User-Agent": "agent/1" } },
    );
    const [record] = records;
    expect(record).toMatchObject({
      outcome: "block",
      endpoint: "POST /api/v1/orgs/{org}/groups",
      country: "IN",
      asn: 55836,
      network: "203.0.113.0/24",
      userAgent: "agent/1",
      partial: false,
    });
    expect(record?.findings[0]).toMatchObject({
      field: "body.name",
      fragment: "x' UNION SELECT password \u2026 users --",
    });
    expect(JSON.stringify(records)).not.toMatch(/203\.0\.113\.9|kept by nobody/);
  });

  it.each([
    ["a long run of characters", { body: { name: `${attack} eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9abc` } }, "eyJhb"],
    ["an address", { body: { name: `asha@school.example' UNION SELECT 1 --` } }, "asha"],
    ["what is named a password in the text", { body: { name: `password=hunter22' OR 1=1 --` } }, "hunter22"],
    ["a field that is called like a secret", { body: { api_token: `tiny' OR 1=1 --` } }, "tiny"],
    ["a cookie", { headers: { Cookie: `theme=tiny' OR 1=1 --` } }, "tiny"],
    ["a header of a key", { headers: { "X-Api-Key": `tiny' OR 1=1 --` } }, "tiny"],
  ] as [string, Asked, string][])("is not %s", async (_what, asked, secret) => {
    const { verdict: outcome, records } = await ask({}, asked);
    expect(outcome).toBe("waf_denied");
    expect(JSON.stringify(records)).not.toContain(secret);
  });

  it("holds no control character, and is short, whatever was sent, names of fields included", async () => {
    const strange = await ask({}, { body: { [`\u202e\u0007${"x".repeat(300)}`]: attack } });
    expect(strange.records[0]?.findings[0]?.field).toMatch(/^body\.\?\?x{113}$/);
    const name = `\u001b[31m\u202e${attack}${"\n x".repeat(200)}`;
    const { records } = await ask({}, { body: { name } });
    for (const { fragment } of records[0]?.findings ?? []) {
      expect(fragment).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(fragment?.length).toBeLessThanOrEqual(80);
    }
  });
});
