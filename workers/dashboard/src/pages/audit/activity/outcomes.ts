import { type AuditOutcome, auditOutcomes } from "../../../../../../core/audit/facets.ts";
import type { Tally } from "./activity-columns.ts";

/** Apart by colour and by name; in a bar always in this order. */
export const outcomes: Readonly<Record<AuditOutcome, { readonly label: string; readonly colour: string }>> = {
  success: { label: "done", colour: "bg-kumo-success" },
  failure: { label: "failed", colour: "bg-kumo-danger" },
  denied: { label: "denied", colour: "bg-kumo-warning" },
};

/** `12 done, 1 failed`, or `nothing`. */
export function said(tally: Tally): string {
  const parts = auditOutcomes
    .filter((outcome) => tally[outcome] > 0)
    .map((outcome) => `${tally[outcome]} ${outcomes[outcome].label}`);
  return parts.length === 0 ? "nothing" : parts.join(", ");
}
