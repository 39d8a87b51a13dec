import type { SessionId, UserId } from "../../core/ids.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { idOf, instant } from "./columns.ts";
import { applyChange, receipt, receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { isSuperseded, type NewSession } from "./sessions.ts";

export type CeremonyKind =
  /** A sign-in whose first step passed and whose second is due. */
  | "mfa"
  | "passkey_sign_in"
  | "passkey_registration"
  /** A passkey that a signed-in person is asked for again. */
  | "passkey_proof"
  | "outside_sign_in"
  /** A document's content, for one download. */
  | "document"
  /** The result of an export, for one download. */
  | "export"
  | "link";

/** Wrong codes that one second step takes: five of 10^6 codes, three valid at a time, are 1 in 66,000. */
export const ceremonyFailuresMax = 5;
/** Ceremonies that are over and are swept at the start of another: more than one, so that they can't pile up. */
const sweptMax = 20;

export interface NewCeremony {
  /** SHA-256 of the secret that its holder was given. */
  readonly tokenHash: string;
  readonly kind: CeremonyKind;
  /** Null where nobody is known yet. */
  readonly user: UserId | null;
  readonly session: SessionId | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly expiresAtMs: number;
}

export interface Ceremony {
  readonly user: UserId | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Which ceremony: its secret and everything it was bound to. Another kind, person or session finds nothing. */
export interface CeremonyKey {
  readonly tokenHash: string;
  readonly kind: CeremonyKind;
  /** Absent: bound to nobody. */
  readonly user?: UserId;
  readonly session?: SessionId;
}

/**
 * Begins a ceremony and sweeps some that are over.
 * @param shown the password that was just shown, if one was: a hash with newer parameters is kept with it,
 *   because the session that would bring it may never come; if it was changed meanwhile, there is no ceremony
 */
export async function beginCeremony(
  database: Database,
  write: WriteRequest,
  ceremony: NewCeremony,
  shown: Pick<NewSession, "passwordHash" | "rehashed"> = { rehashed: null },
): Promise<void> {
  await database.transaction(beginStatements(write, ceremony, shown));
}

/** {@link beginCeremony} as statements of somebody's transaction. */
export function beginStatements(
  write: WriteRequest,
  { tokenHash, kind, user, session, data, expiresAtMs }: NewCeremony,
  shown: Pick<NewSession, "passwordHash" | "rehashed"> = { rehashed: null },
): Statement[] {
  const { rehashed } = shown;
  const now = instant(write.nowMs);
  return [
    sql`DELETE FROM control.ceremonies WHERE token_hash IN (
      SELECT token_hash FROM control.ceremonies WHERE expires_at < ${now}::timestamptz
      ORDER BY expires_at LIMIT ${sweptMax} FOR UPDATE SKIP LOCKED)`,
    sql`INSERT INTO control.ceremonies (token_hash, kind, user_id, session_id, data, created_at, expires_at)
      VALUES (${tokenHash}, ${kind}, ${user}, ${session}, ${JSON.stringify(data)}::text::jsonb,
        ${now}::timestamptz, ${instant(expiresAtMs)}::timestamptz)`,
    ...(rehashed === null
      ? []
      : [
          sql`UPDATE control.users SET password_hash = ${rehashed.to}
            WHERE id = ${user} AND password_hash = ${rehashed.from}`,
        ]),
    sql`DELETE FROM control.ceremonies WHERE token_hash = ${tokenHash} AND ${isSuperseded(user, shown)}`,
    receipt(write, null),
  ];
}

/** Takes a ceremony: whoever is first has it, and nobody after. Null when there is none that fits. */
export async function takeCeremony(
  database: Database,
  write: WriteRequest,
  key: CeremonyKey,
): Promise<Ceremony | null> {
  const [row] = await database.query(
    sql`WITH changed AS (DELETE FROM control.ceremonies WHERE ${fits(key, write.nowMs)} RETURNING user_id, data),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT user_id, data FROM changed`,
  );
  return row === undefined ? null : ceremonyOf(row);
}

/** Looks at a ceremony that takes more than one try, without spending one. */
export async function findCeremony(database: Database, key: CeremonyKey, nowMs: number): Promise<Ceremony | null> {
  const [row] = await database.query(
    sql`SELECT user_id, data FROM control.ceremonies
      WHERE ${fits(key, nowMs)} AND failures < ${ceremonyFailuresMax}`,
    { readOnly: true },
  );
  return row === undefined ? null : ceremonyOf(row);
}

/**
 * Spends one try, before the code is looked at: of any number of parallel guesses at most
 * {@link ceremonyFailuresMax} are. A passkey's challenge that it holds is handed out once.
 * @returns null when there is none that fits, or its tries are spent
 */
export async function spendTry(database: Database, write: WriteRequest, key: CeremonyKey): Promise<Ceremony | null> {
  const [row] = await database.query(
    sql`WITH tried AS (
        SELECT token_hash, user_id, data FROM control.ceremonies
        WHERE ${fits(key, write.nowMs)} AND failures < ${ceremonyFailuresMax} FOR UPDATE),
      changed AS (
        UPDATE control.ceremonies c SET failures = failures + 1, data = c.data - 'passkey_challenge'
        FROM tried WHERE c.token_hash = tried.token_hash RETURNING tried.user_id, tried.data),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT user_id, data FROM changed`,
  );
  return row === undefined ? null : ceremonyOf(row);
}

/** Remembers a passkey's challenge in a ceremony; the one before is worth nothing from then on. */
export async function setPasskeyChallenge(
  database: Database,
  write: WriteRequest,
  key: CeremonyKey,
  challenge: string,
): Promise<boolean> {
  const change = sql`
    UPDATE control.ceremonies SET data = data || jsonb_build_object('passkey_challenge', ${challenge}::text)
    WHERE ${fits(key, write.nowMs)} AND failures < ${ceremonyFailuresMax} RETURNING 1`;
  return applyChange(database, write, null, change);
}

function fits({ tokenHash, kind, user, session }: CeremonyKey, nowMs: number): Statement {
  return sql`token_hash = ${tokenHash} AND kind = ${kind} AND expires_at > ${instant(nowMs)}::timestamptz
    ${user === undefined ? sql`` : sql`AND user_id = ${user}`}
    ${session === undefined ? sql`` : sql`AND session_id = ${session}`}`;
}

function ceremonyOf(row: Row): Ceremony {
  return {
    user: row["user_id"] === null ? null : idOf("user", row, "user_id"),
    data: row["data"] as Record<string, unknown>,
  };
}
