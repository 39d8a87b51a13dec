/** What an organisation that was created may be. `provisioning`, before that, is nobody's to see. */
export const orgStates = ["active", "suspended", "deleting"] as const;
export type OrgState = (typeof orgStates)[number];

/** Parses a state; null for anything else. */
export function parseOrgState(text: unknown): OrgState | null {
  return orgStates.find((state) => state === text) ?? null;
}

/** The problem with which every door refuses an organisation that is shut. */
export function shutCode(state: Exclude<OrgState, "active">): "org_suspended" | "org_deleting" {
  return state === "suspended" ? "org_suspended" : "org_deleting";
}

/** Days in which a deletion can be undone. The database holds it by itself (migrations/control/0010). */
export const graceDays = 30;
