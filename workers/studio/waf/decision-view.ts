import { z } from "@hono/zod-openapi";
import type { KeptWafRecord } from "../../../core/rpc/durable-objects.ts";
import { wafCatalogue } from "../../../core/tenancy/waf-catalogue.ts";
import type { WafPolicy } from "../../../core/tenancy/waf-policy.ts";
import { proposeAllowance } from "../../../core/tenancy/waf-verdict.ts";
import { instant } from "../http/schemas.ts";

const place = z.object({ rule: z.string(), field: z.string() });

export const decision = z.object({
  id: z.string(),
  outcome: z.enum(["pass", "log", "block"]),
  score: z.int(),
  /** The organisation's own rules that spoke. */
  own_rules: z.array(z.string()),
  endpoint: z.string(),
  country: z.string(),
  asn: z.int().nullable(),
  network: z.string().nullable(),
  user_agent: z.string().nullable(),
  findings: z.array(
    place.extend({
      class: z.string(),
      severity: z.string(),
      why: z.string(),
      /** Null: of such a field nothing is kept. */
      fragment: z.string().nullable(),
    }),
  ),
  count: z.int(),
  first_at: instant,
  last_at: instant,
  /** The least that would have to be exempted for it to pass; null: it passes, or no exemption would do. */
  allow: z.array(place).nullable(),
});

/** A record as an administrator sees it. @param policy the one in force, by which an exemption is proposed */
export function decisionView(
  { id, record, count, firstAtMs, lastAtMs }: KeptWafRecord,
  policy: WafPolicy,
): z.input<typeof decision> {
  const { outcome, score, rules, endpoint, country, asn, network, userAgent, findings, partial } = record;
  const proposed = outcome === "pass" || partial ? null : proposeAllowance(policy, findings);
  return {
    id,
    outcome,
    score,
    own_rules: [...rules],
    endpoint,
    country,
    asn: asn === 0 ? null : asn,
    network: network === "" ? null : network,
    user_agent: userAgent === "" ? null : userAgent,
    findings: findings.map(({ rule, field, fragment }) => {
      const { class: attack, severity, why } = wafCatalogue[rule];
      return { rule, field, class: attack, severity, why, fragment };
    }),
    count,
    first_at: new Date(firstAtMs).toISOString(),
    last_at: new Date(lastAtMs).toISOString(),
    allow: proposed === null ? null : proposed.map((one) => ({ ...one })),
  };
}
