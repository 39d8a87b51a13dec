import { needs, orgPath, type RouteSpec, route, type WafExemption } from "./route.ts";

const waf = `${orgPath}/policies/waf`;
const why = "what a rule looks for reads like what it is to refuse; it is compared with, never run";
/** The rule editor's text, and names of fields, which whoever sent them made up. */
export const wafRuleTexts: readonly WafExemption[] = [
  { field: "body.allowances.field", why },
  { field: "body.rules.conditions.value", why },
  { field: "body.rules.conditions.values", why },
];

/** What belongs to the firewall's policy besides reading and replacing it. */
export const wafRoutes = {
  replayWaf: route({
    method: "POST",
    path: `${waf}/replay`,
    policy: needs("policies:manage"),
    wafExemptions: wafRuleTexts,
    summary: "What a firewall policy would change of the requests of the last seven days",
  }),
  listWafDecisions: route({
    method: "GET",
    path: `${waf}/decisions`,
    policy: needs("audit:read"),
    summary: "What the firewall refused or found in the last seven days, folded",
  }),
  listBlocks: route({
    method: "GET",
    path: `${orgPath}/blocks`,
    policy: needs("audit:read"),
    summary: "What firewall and geo policy refused of late, by country, class, rule and network",
  }),
  allowWaf: route({
    method: "POST",
    path: `${waf}/allowances`,
    policy: needs("policies:manage"),
    stepUp: true,
    wafExemptions: [{ field: "body.items.field", why }],
    summary: "Let one field of one endpoint pass some rules until a day",
  }),
} as const satisfies Record<string, RouteSpec>;
