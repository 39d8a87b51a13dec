import type { SessionId, UserId } from "../../core/ids.ts";
import { type GeoFacts, type Surface, surfaces } from "../../core/tenancy/geo-policy.ts";
import { parseNetwork } from "../../core/tenancy/network.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { idOf, instant, numberOf, textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { policyRow, policyStatement, type VersionedPolicy } from "./policies.ts";

/** A session's place in an organisation is written at most this often, in milliseconds; a change of country at once. */
const notedEveryMs = 3600_000;
/** Sessions that a policy is tried on: those of some thousand members. */
const activeMax = 5000;

/** Where a request came from, as coarsely as it is kept. */
export interface SeenFrom {
  readonly surface: Surface;
  readonly country: string;
  /** 0: not known. */
  readonly asn: number;
  /** The /24 or /48; "" for not known. */
  readonly network: string;
}

/** Notes where a session was used, unless that was noted within the hour. */
export async function noteActivity(
  database: Database,
  { org }: OrgScope,
  session: SessionId,
  from: SeenFrom,
  nowMs: number,
): Promise<void> {
  const { surface, country, asn, network } = from;
  const now = sql`${instant(nowMs)}::timestamptz`;
  await database.query(
    sql`INSERT INTO control.geo_activity AS a (org_id, session_id, surface, country, asn, network, seen_at)
      VALUES (${org}, ${session}, ${surface}, ${country}, ${asn}, ${network}, ${now})
      ON CONFLICT (org_id, session_id, surface) DO UPDATE
      SET country = excluded.country, asn = excluded.asn, network = excluded.network, seen_at = excluded.seen_at
      WHERE a.seen_at < ${instant(nowMs - notedEveryMs)}::timestamptz
        OR (a.country, a.network) IS DISTINCT FROM (excluded.country, excluded.network)`,
  );
}

export interface ActiveSession {
  readonly session: SessionId;
  readonly user: UserId;
  readonly name: string;
  readonly surface: Surface;
  readonly facts: GeoFacts;
  /** RFC 3339. */
  readonly seenAt: string;
}

/** The policy in force, and whom another one would be tried on. */
export interface PolicyAndActivity {
  readonly stored: VersionedPolicy;
  /** Sessions of members that were used since, whose person may still come; the latest first. */
  readonly active: readonly ActiveSession[];
}

/** Reads both at one moment. Null: no such organisation. */
export async function policyAndActivity(
  database: Database,
  scope: OrgScope,
  sinceMs: number,
): Promise<PolicyAndActivity | null> {
  const [policies = [], sessions = []] = await database.transaction(
    [policyStatement(sql`o.id = ${scope.org}`), activeSessionsQuery(scope, sinceMs)],
    { readOnly: true },
  );
  const stored = policyRow(policies);
  return stored === null ? null : { stored, active: activeSessions(sessions) };
}

function activeSessions(rows: readonly Row[]): ActiveSession[] {
  return rows.flatMap((row) => {
    const surface = surfaces.find((one) => one === row["surface"]);
    const network = parseNetwork(row["network"]);
    if (surface === undefined || network === null) return [];
    const asn = numberOf(row, "asn");
    return [
      {
        session: idOf("session", row, "session_id"),
        user: idOf("user", row, "user_id"),
        name: textOf(row, "name"),
        surface,
        facts: { country: textOf(row, "country"), asn: asn === 0 ? null : asn, network },
        seenAt: textOf(row, "seen_at"),
      },
    ];
  });
}

function activeSessionsQuery({ org }: OrgScope, sinceMs: number): Statement {
  return sql`SELECT a.session_id, s.user_id, u.name, a.surface, a.country, a.asn::double precision AS asn, a.network,
      control.rfc3339(a.seen_at) AS seen_at
    FROM control.geo_activity a
    JOIN control.sessions s ON s.id = a.session_id
    JOIN control.memberships m ON m.org_id = a.org_id AND m.user_id = s.user_id AND m.disabled_at IS NULL
    JOIN control.users u ON u.id = s.user_id AND u.disabled_at IS NULL
    WHERE a.org_id = ${org} AND a.seen_at > ${instant(sinceMs)}::timestamptz
    ORDER BY a.seen_at DESC, a.session_id LIMIT ${activeMax}`;
}
