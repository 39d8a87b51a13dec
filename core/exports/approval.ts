/** When an export needs more than its own person's word. Pure. */
import type { Role } from "../tenancy/roles.ts";

/** Exports of more rows need a proof of the person within the last ten minutes, whoever asks. */
export const stepUpRows = 1_000;
/** Exports of more rows wait for a second administrator where the organisation set no limit of its own. */
export const approvalRowsDefault = 100_000;
/** The highest limit that can be set: the most rows that an export may have, so that it asks nobody. */
export const approvalRowsMax = 2_000_000;
/** How long an export waits for one, in milliseconds: three days, so that a weekend passes. */
export const approvalWaitMs = 3 * 24 * 3600_000;

const rank: Readonly<Record<Role, number>> = { owner: 4, admin: 3, analyst: 2, viewer: 1, readonly: 0 };

/**
 * Who may agree to somebody's export or refuse it: an owner or admin, of no lower role than whoever asked, and never
 * that same person.
 */
export function mayDecide(
  decider: { readonly user: string; readonly role: Role },
  asked: { readonly user: string; readonly role: Role },
): boolean {
  const manages = decider.role === "owner" || decider.role === "admin";
  return manages && decider.user !== asked.user && rank[decider.role] >= rank[asked.role];
}
