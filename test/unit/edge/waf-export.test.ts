import { describe, expect, it } from "vitest";
import type { OrgId, OrgSlug } from "../../../core/ids.ts";
import type { WafCondition } from "../../../core/tenancy/waf-condition.ts";
import { isWayBack } from "../../../core/tenancy/waf-endpoint.ts";
import { exportWaf } from "../../../core/tenancy/waf-export.ts";
import { defaultWafPolicy, issuesOfPolicy, type WafPolicy, type WafRule } from "../../../core/tenancy/waf-policy.ts";
import { allRoutes } from "../../support/route-inputs.ts";

const org = { id: "org_01h455vb4pex5vsknk084sn02q" as OrgId, slug: "demo" as OrgSlug };
const id = org.id;
const scope =
  `(((starts_with(http.request.uri.path, "/api/v1/orgs/${id}/") or starts_with(http.request.uri.path, "/api/v1/orgs/demo/"))` +
  ` and not (starts_with(http.request.uri.path, "/api/v1/orgs/${id}/policies/") or starts_with(http.request.uri.path, "/api/v1/orgs/demo/policies/")` +
  ` or starts_with(http.request.uri.path, "/api/v1/orgs/${id}/auth/") or starts_with(http.request.uri.path, "/api/v1/orgs/demo/auth/")))` +
  ` or (http.request.uri.path in {"/api/v1/orgs/${id}" "/api/v1/orgs/demo"} and not http.request.method in {"GET" "HEAD"})` +
  ` or http.request.uri.path in {"/mqtt/${id}" "/mqtt/demo" "/content/${id}" "/content/demo" "/content/${id}/exports" "/content/demo/exports"})`;
const rule = (changes: Partial<WafRule>): WafRule => ({
  name: "r",
  action: "block",
  match: "all",
  conditions: [],
  ...changes,
});
const policy = (changes: Partial<WafPolicy>): WafPolicy => ({ ...defaultWafPolicy, ...changes });
/** The expression of one condition, without the scope. */
function expression(condition: WafCondition): string | undefined {
  const given = policy({ rules: [rule({ conditions: [condition] })] });
  expect(issuesOfPolicy(given)).toEqual([]);
  return exportWaf(org, given).at(-1)?.replace(`${scope} and `, "");
}

describe("what is exported", () => {
  it("is a rule a line, in their order, each with its name, its action and whose requests it is about", () => {
    const given = policy({
      rules: [
        rule({
          name: "no scripts from elsewhere",
          match: "all",
          conditions: [
            { field: "user_agent", operator: "contains", value: 'py"th\\on' },
            { field: "country", operator: "in", values: ["IN", "NP"], not: true },
          ],
        }),
        rule({
          name: "our monitor",
          action: "skip",
          match: "any",
          conditions: [
            { field: "ip", operator: "in", values: ["203.0.113.0/24", "2001:db8::/32"] },
            { field: "asn", operator: "in", values: ["64500"] },
          ],
        }),
        rule({ name: "seen", action: "log", conditions: [{ field: "method", operator: "in", values: ["DELETE"] }] }),
      ],
    });
    expect(exportWaf(org, given)).toEqual([
      `# demo (${id}): 3 rules, for a zone's WAF custom rules, in this order`,
      "",
      "# 1. no scripts from elsewhere",
      "# action: block",
      `${scope} and ((http.user_agent contains "py\\"th\\\\on") and not (ip.src.country in {"IN" "NP"}))`,
      "",
      "# 2. our monitor",
      "# action: skip (all remaining custom rules, all managed rules)",
      `${scope} and ((ip.src in {203.0.113.0/24 2001:db8::/32}) or (ip.src.asnum in {64500}))`,
      "",
      "# 3. seen",
      "# action: log",
      `${scope} and ((http.request.method in {"DELETE"}))`,
    ]);
  });

  it.each([
    [{ field: "path", operator: "equals", value: "/a" }, '((http.request.uri.path eq "/a"))'],
    [
      { field: "path", operator: "starts_with", value: "/a*\\b" },
      '((http.request.uri.path strict wildcard "/a\\\\*\\\\\\\\b*"))',
    ],
    [{ field: "query", operator: "exists" }, '((http.request.uri.query ne ""))'],
    [
      { field: "query", operator: "contains", value: "a=b", caseless: true },
      '((http.request.uri.query wildcard "*a=b*"))',
    ],
    [
      { field: "user_agent", operator: "exists", not: true },
      '(not (any(http.request.headers["user-agent"][*] strict wildcard "*")))',
    ],
    [{ field: "referer", operator: "ends_with", value: ".example" }, '((http.referer strict wildcard "*.example"))'],
    [
      { field: "query_value", name: "q", operator: "in", values: ["a", "b"] },
      '((any(url_decode(http.request.uri.args["q"][*])[*] in {"a" "b"})))',
    ],
    [
      { field: "header", name: "x-client", operator: "in", values: ["a", "b"], caseless: true },
      '((any(http.request.headers["x-client"][*] wildcard "a") or any(http.request.headers["x-client"][*] wildcard "b")))',
    ],
    [
      { field: "cookie", name: "beta", operator: "equals", value: "1" },
      '((any(http.request.cookies["beta"][*] eq "1")))',
    ],
    [
      { field: "body", name: "user.name", operator: "equals", value: "x" },
      '((lookup_json_string(http.request.body.raw, "user", "name") eq "x"))',
    ],
    [
      { field: "user_agent", operator: "matches", value: '^a"\\d+', caseless: true },
      '((http.user_agent matches r#"(?i)^a"\\d+"#))',
    ],
    [
      { field: "endpoint", operator: "equals", value: "GET /api/v1/orgs/{org}/devices" },
      `(((http.request.method in {"GET" "HEAD"} and http.request.uri.path in {"/api/v1/orgs/${id}/devices" "/api/v1/orgs/demo/devices"})))`,
    ],
    [
      { field: "endpoint", operator: "equals", value: "DELETE /api/v1/orgs/{org}/devices/{device}" },
      `(((http.request.method in {"DELETE"} and http.request.uri.path matches r"^/api/v1/orgs/(?:${id}|demo)/devices/[^/]+$")))`,
    ],
  ] as [WafCondition, string][])("is of %j what a zone reads alike", (condition, written) => {
    expect(expression(condition)).toBe(written);
  });

  it("says in a comment what can't be expressed, and which plan something needs", () => {
    const matches = (value: string): WafRule => rule({ conditions: [{ field: "path", operator: "matches", value }] });
    const long = Array.from({ length: 50 }, (_, index) => `${index}`.padStart(100, "x"));
    const lines = exportWaf(
      org,
      policy({
        mode: "log",
        overrides: { "sqli-union": "off" },
        rules: [
          matches("\\Qa.b\\E"),
          matches("\\\\Qa"),
          rule({ conditions: [{ field: "path", operator: "in", values: long }] }),
          rule({ conditions: [{ field: "body", name: "a", operator: "exists" }] }),
        ],
      }),
    );
    const comments = lines.filter((line) => line.startsWith("#"));
    expect(comments.slice(1)).toEqual([
      "# the organisation's mode is log: nothing is refused, whatever a rule says",
      "# can't be expressed: mode, sensitivity, overrides and exemptions of Sentinel's own rules; a zone has others",
      "# 1. r",
      "# action: log",
      "# can't be expressed: its pattern has \\Q, \\C or an octal escape, which a zone's patterns have not",
      "# 2. r",
      "# action: log",
      "# needs a plan that has regular expressions",
      "# 3. r",
      "# action: log",
      expect.stringMatching(/^# can't be expressed: it has \d+ characters, and a zone takes 4096$/),
      "# 4. r",
      "# action: log",
      "# needs a plan that looks into bodies; lists in a body are not gone through",
    ]);
    expect(lines.filter((line) => line.startsWith("("))).toHaveLength(2);
  });

  it("leaves the same requests alone as the edge does", () => {
    for (const [name, route] of allRoutes) {
      if (!route.path.includes("{org}")) continue;
      const path = route.path;
      const itself = path === "/api/v1/orgs/{org}";
      const inScope =
        (path.startsWith("/api/v1/orgs/{org}/") && !/^\/api\/v1\/orgs\/\{org\}\/(?:policies|auth)\//.test(path)) ||
        (itself && route.method !== "GET") ||
        path === "/mqtt/{org}" ||
        path === "/content/{org}" ||
        path === "/content/{org}/exports";
      expect([name, inScope]).toEqual([name, !isWayBack(route)]);
    }
  });
});
