import type { GeoFacts } from "../../../../core/tenancy/geo-policy.ts";
import { coarseNetwork } from "../../../../core/tenancy/network.ts";
import {
  recordFindingsMax,
  recordRulesMax,
  userAgentCharactersMax,
  type WafRecord,
} from "../../../../core/tenancy/waf-record.ts";
import type { WafVerdict } from "../../../../core/tenancy/waf-verdict.ts";
import type { WafInput } from "./collect.ts";
import { fragmentOf } from "./fragment.ts";

/** What is to be known of a request once it was judged. */
export interface Judged {
  readonly verdict: WafVerdict;
  readonly inputs: readonly WafInput[];
  readonly endpoint: string;
  readonly geo: GeoFacts;
  /** The client's address, of which the network is kept. */
  readonly ip: string;
  readonly userAgent: string | null;
}

/** Makes the record: signs with fragments of their texts, and where the request came from, coarsely. */
export function recordOf({ verdict, inputs, endpoint, geo, ip, userAgent }: Judged): WafRecord {
  const { outcome, score, rules, findings } = verdict;
  return {
    outcome,
    score,
    rules: rules.slice(-recordRulesMax),
    endpoint,
    country: geo.country ?? "XX",
    asn: geo.asn ?? 0,
    network: coarseNetwork(ip) ?? "",
    userAgent: (userAgent ?? "").slice(0, userAgentCharactersMax).replace(/[\p{Cc}\p{Cs}]/gu, "?"),
    findings: findings.slice(0, recordFindingsMax).map((finding) => {
      const input = inputs[finding.input];
      return { ...finding, fragment: input === undefined ? null : fragmentOf(input) };
    }),
    partial: findings.length > recordFindingsMax || rules.length > recordRulesMax,
  };
}
