/** By what else than type, actor and target entries are found: each entry has any number of facets. */
import type { AuditFields, AuditPhase, AuditResult } from "./events.ts";

export const facetNames = ["country", "document", "outcome"] as const;
export type FacetName = (typeof facetNames)[number];

export const auditOutcomes = ["success", "failure", "denied"] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

/** What an entry is found by. */
export type Facet = readonly [name: FacetName, value: string];

interface Found {
  readonly phase: AuditPhase;
  readonly result: AuditResult | null;
  readonly event: AuditFields;
}

/** The facets of an entry; an intent has no outcome yet. */
export function facetsOf(entry: Found): Facet[] {
  const { event } = entry;
  const facets: Facet[] = [];
  if ("country" in event && typeof event.country === "string") facets.push(["country", event.country]);
  if (event.type === "data_access") facets.push(["document", event.document_id]);
  if (event.type === "export") for (const document of new Set(event.document_ids)) facets.push(["document", document]);
  const outcome = outcomeOf(entry);
  if (outcome !== null) facets.push(["outcome", outcome]);
  return facets;
}

/** Where it came from; null when that is not said. It is no facet, because it names a person. */
export function addressOf(event: AuditFields): string | null {
  return "ip" in event && typeof event.ip === "string" && event.ip !== "" ? event.ip : null;
}

/** How it ended; null for an intent, and for what the log says of its entries. Somebody was *denied* when they were not let do it, whatever it was. */
export function outcomeOf({ phase, result, event }: Found): AuditOutcome | null {
  if (phase === "intent") return null;
  if (result === "reconciled_not_done") return "failure";
  switch (event.type) {
    case "login":
      return event.outcome;
    case "api_call":
      return result === "reconciled_done" ? "success" : outcomeOfStatus(event.status_code);
    case "access_denied":
    case "edge_refusals":
      return "denied";
    case "repeated":
      return event.of === "access_denied" ? "denied" : (outcomeOfStatus(event.status_code) ?? "failure");
    case "key_change":
      return event.action === "unavailable" ? "failure" : "success";
    case "backup":
    case "audit_month":
      return event.action === "failed" ? "failure" : "success";
    // It is about others, which have theirs.
    case "alert":
      return null;
    case "migration":
      return event.action === "applied" ? "success" : "failure";
    default:
      // Of everything else there is an event only once it was done.
      return "success";
  }
}

function outcomeOfStatus(status: number | null): AuditOutcome | null {
  if (status === null) return null;
  if (status < 400) return "success";
  return status === 401 || status === 403 || status === 429 ? "denied" : "failure";
}

/** Whom or what an event was done to: a person or a device. @returns null for events that concern neither */
export function targetOf(event: AuditFields): string | null {
  if ("target_user_id" in event) return event.target_user_id;
  return "device_id" in event ? event.device_id : null;
}

/** Who did it; null when nobody is known. */
export function actorOf(event: AuditFields): string | null {
  if ("user_id" in event && event.user_id !== null) return event.user_id;
  return "admin_id" in event ? event.admin_id : null;
}
