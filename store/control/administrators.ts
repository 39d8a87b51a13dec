import { type Statement, sql } from "../connect.ts";

/** Whom one mail of an organisation's affairs goes to, at most. */
export const administratorsMailedMax = 50;

/**
 * Addresses of the owners and administrators of the organisation `o` of a query, as a JSON list: those who can sign
 * in, owners first.
 */
export const administratorAddresses: Statement = sql`(SELECT coalesce(json_agg(a.email), '[]') FROM (
  SELECT u.email FROM control.memberships m JOIN control.users u ON u.id = m.user_id
  WHERE m.org_id = o.id AND m.role IN ('owner', 'admin') AND m.disabled_at IS NULL
    AND u.disabled_at IS NULL AND u.email IS NOT NULL
  ORDER BY m.role DESC, u.id LIMIT ${administratorsMailedMax}) a)`;
