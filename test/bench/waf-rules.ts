import type { WafCondition } from "../../core/tenancy/waf-condition.ts";
import { defaultWafPolicy, issuesOfPolicy, type WafPolicy, type WafRule } from "../../core/tenancy/waf-policy.ts";
import type { Additions, Admitted, RequestContext } from "../../workers/edge/gates/gate.ts";
import { geoGate } from "../../workers/edge/gates/geo.ts";
import { wafGate } from "../../workers/edge/gates/waf/index.ts";
import { contextOf, orgPolicy } from "../unit/edge/contexts.ts";
import type { Row } from "./report.ts";
import { overRounds } from "./statistics.ts";

const callsPerRound = 400;
const warmUpCalls = 1_500;

const headers = {
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
  Accept: "application/json, text/plain, */*",
  "Accept-Language": "en-IN,en;q=0.9,hi;q=0.8",
  "Content-Type": "application/json",
  "CF-Connecting-IP": "203.0.113.9",
};

/** Conditions that an honest request does not meet, so that every rule is asked. */
const conditions: readonly WafCondition[] = [
  { field: "user_agent", operator: "contains", value: "python-requests", caseless: true },
  { field: "header", name: "x-client", operator: "equals", value: "import" },
  { field: "body", name: "name", operator: "starts_with", value: "zz" },
  { field: "ip", operator: "in", values: ["198.51.100.0/24", "2001:db8::/32"] },
];
const pattern: WafCondition = { field: "user_agent", operator: "matches", value: "^(?:curl|wget)/[0-9]+\\." };

function rules(count: number, patterns: number): WafRule[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `rule ${index}`,
    action: "block",
    match: "any",
    conditions: index < patterns ? [pattern, ...conditions.slice(1)] : conditions,
  }));
}

const policies: readonly (readonly [what: string, policy: Partial<WafPolicy>])[] = [
  ["no rules of its own", {}],
  ["10 rules, 40 conditions", { rules: rules(10, 0) }],
  ["50 rules, 200 conditions, 20 of them patterns", { rules: rules(50, 20) }],
];

/** Microseconds that the firewall's whole gate takes of a small write, by how many rules the organisation has. */
export async function benchWafRules(rounds: number): Promise<Row[]> {
  const body = new TextEncoder().encode(JSON.stringify({ name: "Class 7A's list", note: "for the trip on Friday" }));
  const cases = await Promise.all(
    policies.map(async ([what, changes]) => {
      const waf = { ...defaultWafPolicy, ...changes };
      if (issuesOfPolicy(waf).length > 0) throw new Error(`${what} is no policy`);
      const init = { method: "POST", headers };
      const cf = { country: "IN", asn: 55836, tlsVersion: "TLSv1.3" };
      const context = contextOf("https://s.example/api/v1/orgs/demo/groups", { init, org: orgPolicy({ waf }), cf });
      const from = await geoGate.judge(context);
      if (from.kind === "deny") throw new Error("the geo gate refused");
      const added: Pick<Additions, "body" | "geo" | "country"> = { body, ...from.adds };
      return { what, context: { ...context, ...added } as Admitted, samples: [] as number[][] };
    }),
  );
  for (const { context } of cases) for (let call = 0; call < warmUpCalls; call += 1) judge(context);
  for (let round = 0; round < rounds; round += 1)
    for (const { context, samples } of cases) samples.push(Array.from({ length: callsPerRound }, () => judge(context)));
  return cases.map(({ what, samples }) => {
    const { p50, p99 } = overRounds(samples);
    return {
      what: `the firewall's gate, ${what}, p50 / p99`,
      value: `${p50.toFixed(1)} / ${p99.toFixed(1)} µs`,
      beside: "–",
    };
  });
}

/** @returns microseconds */
function judge(context: RequestContext): number {
  const startedAt = performance.now();
  const result = wafGate.judge(context as Admitted);
  if (!("kind" in result) || result.kind !== "allow") throw new Error("an honest request is refused");
  return (performance.now() - startedAt) * 1_000;
}
