import type { KeptWafRecord } from "../../../core/rpc/durable-objects.ts";
import { parseNetwork } from "../../../core/tenancy/network.ts";
import { isWayBack } from "../../../core/tenancy/waf-endpoint.ts";
import type { WafFacts } from "../../../core/tenancy/waf-match.ts";
import type { WafPolicy } from "../../../core/tenancy/waf-policy.ts";
import type { WafRecord } from "../../../core/tenancy/waf-record.ts";
import { judgeWaf, type WafVerdict } from "../../../core/tenancy/waf-verdict.ts";

/** What a policy would change of recorded requests, in requests. */
export interface Replayed {
  readonly total: number;
  /** They pass by the policy in force and would be refused. */
  readonly newlyRefused: number;
  /** They are refused by the policy in force and would pass. */
  readonly newlyPassed: number;
  /** What a rule asks for was not kept of them. */
  readonly undetermined: number;
  /** The records behind the first three, in the order that they came in. */
  readonly changed: readonly Changed[];
}
export interface Changed {
  readonly kept: KeptWafRecord;
  readonly change: "newly_refused" | "newly_passed" | "undetermined";
}

/**
 * Judges recorded requests by the policy in force and by another one, as the edge judges. What was refused in the
 * meantime for another reason than today's is no news of this change.
 */
export function replay(kept: readonly KeptWafRecord[], before: WafPolicy, after: WafPolicy, nowMs: number): Replayed {
  const changed = kept.flatMap((one) => {
    const change = changeOf(one.record, before, after, nowMs);
    return change === null ? [] : [{ kept: one, change }];
  });
  const count = (which: Changed["change"]): number =>
    changed.filter(({ change }) => change === which).reduce((sum, { kept: { count: requests } }) => sum + requests, 0);
  return {
    total: kept.reduce((sum, { count: requests }) => sum + requests, 0),
    newlyRefused: count("newly_refused"),
    newlyPassed: count("newly_passed"),
    undetermined: count("undetermined"),
    changed,
  };
}

function changeOf(record: WafRecord, before: WafPolicy, after: WafPolicy, nowMs: number): Changed["change"] | null {
  if (JSON.stringify(before) === JSON.stringify(after)) return null;
  // One of the own rules ended it, so the platform's were never asked.
  const unasked = record.outcome === "block" && record.findings.length === 0 && record.rules.length > 0;
  const [now, then] = [judged(record, before, nowMs), judged(record, after, nowMs)];
  const refusedNow = now.doubtful ? record.outcome === "block" : now.outcome === "block";
  const refusedThen = then.outcome === "block";
  // What found no room in a record may be what the two weigh differently.
  if (then.doubtful || record.partial) return "undetermined";
  if (refusedNow === refusedThen) return null;
  if (refusedThen) return "newly_refused";
  return unasked ? "undetermined" : "newly_passed";
}

function judged(record: WafRecord, policy: WafPolicy, nowMs: number): WafVerdict {
  const { endpoint, findings } = record;
  const [method = "GET", path = ""] = endpoint.split(" ", 2);
  // Pages are the edge's own; their rules are not asked either way, and nothing but the path says so here.
  const servedBy = path.startsWith("/o/") ? "edge" : "studio";
  const wayBack = isWayBack({ method: method as "GET", path, servedBy });
  return judgeWaf(policy, { endpoint, wayBack, facts: factsOf(record), findings: () => findings }, nowMs);
}

/** What is known of a recorded request. Everything else a rule asks for is not known. */
function factsOf({ endpoint, country, asn, network, userAgent }: WafRecord): WafFacts {
  const [method = "GET"] = endpoint.split(" ", 1);
  return {
    method,
    country: /^[A-Z]{2}$/.test(country) && country !== "XX" ? country : null,
    asn: asn === 0 ? null : asn,
    network: network === "" ? null : parseNetwork(network),
    whole: (field) => {
      if (field === "endpoint") return [endpoint];
      return field === "user_agent" && userAgent !== "" ? [userAgent] : null;
    },
    named: () => null,
  };
}
