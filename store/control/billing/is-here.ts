import { type Statement, sql } from "../../connect.ts";

/**
 * A condition: the organisation is here and its erasing has not begun. What comes later, from a provider or a bank, goes
 * into no log of its own: that one is gone, or about to go, and is not begun anew.
 */
export function isHere(org: Statement): Statement {
  return sql`EXISTS (SELECT FROM control.organisations h WHERE h.id = ${org} AND h.status <> 'provisioning'
    AND NOT EXISTS (SELECT FROM control.org_deletions d WHERE d.org_id = h.id AND d.started_at IS NOT NULL))`;
}
