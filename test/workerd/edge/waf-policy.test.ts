import { describe, expect, it } from "vitest";
import { defaultWafPolicy, type WafRule, wafPolicyCharactersMax } from "../../../core/tenancy/waf-policy.ts";
import { bearer, outcome, publishOrg, send, signIn } from "./harness.ts";

const noScripts: WafRule = {
  name: "no scripts",
  action: "block",
  match: "all",
  conditions: [{ field: "user_agent", operator: "matches", value: "^script-kit/\\d" }],
};
const script = { "User-Agent": "script-kit/2" };
const attack = encodeURIComponent("x' UNION SELECT password FROM users --");

describe("an organisation's firewall policy, as it is published", () => {
  it("refuses by its own rules on workerd, at its own addresses and nobody else's", async () => {
    const strict = await publishOrg({ waf: { ...defaultWafPolicy, rules: [noScripts] } });
    const other = await publishOrg();
    const person = await signIn(strict.org);
    const ask = (path: string, headers: Record<string, string>) =>
      send(path, { headers: { ...bearer(person.token), ...headers } });
    for (const named of [strict.org, strict.slug]) {
      const refused = await ask(`/api/v1/orgs/${named}/devices`, script);
      expect([refused.headers.get("X-Sentinel-Waf"), await outcome(refused)]).toEqual(["block", "403 waf_denied"]);
      expect((await ask(`/api/v1/orgs/${named}/devices`, {})).status).toBe(200);
      // The way back.
      expect((await ask(`/api/v1/orgs/${named}/policies/waf`, script)).status).toBe(200);
    }
    expect((await ask("/api/v1/me", script)).status).toBe(200);
    expect(await outcome(await ask(`/api/v1/orgs/${other.org}/devices`, script))).not.toContain("waf_denied");
  });

  it("lets pass in the mode that logs what is refused everywhere else", async () => {
    const lenient = await publishOrg({ waf: { ...defaultWafPolicy, mode: "log" } });
    const person = await signIn(lenient.org);
    const logged = await send(`/api/v1/orgs/${lenient.org}/devices?q=${attack}`, { headers: bearer(person.token) });
    expect(logged.status).toBe(200);
    expect(await outcome(await send(`/api/v1/me?q=${attack}`, { headers: bearer(person.token) }))).toBe(
      "403 waf_denied",
    );
  });

  it("that is none, or larger than one may be, refuses everything of its organisation", async () => {
    const long = {
      field: "path",
      operator: "in",
      values: Array.from({ length: 50 }, (_, at) => `${at}`.padEnd(250, "x")),
    } as const;
    const rules = Array.from({ length: 3 }, (_, at) => ({ ...noScripts, name: `r${at}`, conditions: [long] }));
    expect(JSON.stringify(rules).length).toBeGreaterThan(wafPolicyCharactersMax);
    for (const waf of [{ ...defaultWafPolicy, rules }, { ...defaultWafPolicy, mode: "off" }, null]) {
      const broken = await publishOrg({ waf: waf as never });
      const person = await signIn(broken.org);
      const answer = await send(`/api/v1/orgs/${broken.org}/devices`, { headers: bearer(person.token) });
      expect(await outcome(answer)).toBe("404 not_found");
    }
  });
});
