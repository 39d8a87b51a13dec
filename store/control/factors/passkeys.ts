import type { PasskeyId, UserId } from "../../../core/ids.ts";
import { type Database, type Row, type Statement, sql } from "../../connect.ts";
import { beginStatements, type NewCeremony } from "../ceremonies.ts";
import { booleanOf, idOf, instant, textOf, textOrNull } from "../columns.ts";
import { applyChange, receiptIfChanged, type WriteRequest } from "../receipts.ts";

/** Passkeys of one person: more devices than anybody carries, few enough for one list in the options. */
export const passkeysPerUserMax = 20;

/** What verifying an assertion needs. */
export interface StoredPasskey {
  readonly id: PasskeyId;
  readonly user: UserId;
  /** base64url. */
  readonly credentialId: string;
  /** COSE_Key, base64url. */
  readonly publicKey: string;
  readonly transports: readonly string[];
}

export interface NewPasskey extends StoredPasskey {
  readonly counter: number;
  readonly backedUp: boolean;
  readonly name: string;
}

export interface PasskeyView {
  readonly id: PasskeyId;
  readonly name: string;
  readonly backedUp: boolean;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
}

/**
 * Keeps a credential. One that anybody has registered before stays theirs (WebAuthn §7.1 step 26), and
 * the person's row is locked so that two at once don't pass the bound together.
 */
export async function addPasskey(
  database: Database,
  write: WriteRequest,
  passkey: NewPasskey,
): Promise<"added" | "taken" | "too_many"> {
  const { id, user, credentialId, publicKey, counter, transports, backedUp, name } = passkey;
  const [, rows] = await database.transaction([
    sql`SELECT 1 FROM control.users WHERE id = ${user} FOR UPDATE`,
    sql`WITH room AS (
        SELECT (SELECT count(*) FROM control.passkeys WHERE user_id = ${user}) < ${passkeysPerUserMax} AS fits),
      changed AS (
        INSERT INTO control.passkeys (id, user_id, credential_id, public_key, counter, transports, backed_up, name, created_at)
        SELECT ${id}, ${user}, ${credentialId}, ${publicKey}, ${counter}::bigint,
          ARRAY(SELECT jsonb_array_elements_text(${JSON.stringify(transports)}::text::jsonb)),
          ${backedUp}, ${name}, ${instant(write.nowMs)}::timestamptz
        FROM room WHERE fits ON CONFLICT (credential_id) DO NOTHING RETURNING 1),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT fits, EXISTS (SELECT FROM changed) AS added FROM room`,
  ]);
  const row = rows?.[0];
  if (row === undefined || !booleanOf(row, "fits")) return "too_many";
  return booleanOf(row, "added") ? "added" : "taken";
}

/** A credential, whoever's it is. */
export async function findPasskey(database: Database, credentialId: string): Promise<StoredPasskey | null> {
  const [row] = await database.query(
    sql`SELECT id, user_id, credential_id, public_key, to_jsonb(transports) AS transports
      FROM control.passkeys WHERE credential_id = ${credentialId}`,
    { readOnly: true },
  );
  return row === undefined ? null : storedOf(row);
}

/** The credentials of one person, oldest first. */
export async function credentialsOf(database: Database, user: UserId): Promise<StoredPasskey[]> {
  return (await database.query(credentialsStatement(user), { readOnly: true })).map(storedOf);
}

function credentialsStatement(user: UserId): Statement {
  return sql`SELECT id, user_id, credential_id, public_key, to_jsonb(transports) AS transports
    FROM control.passkeys WHERE user_id = ${user} ORDER BY id LIMIT ${passkeysPerUserMax}`;
}

/** Begins a registration. @returns the person's credentials, which it must not make again */
export async function beginRegistration(
  database: Database,
  write: WriteRequest,
  ceremony: NewCeremony & { readonly user: UserId },
): Promise<StoredPasskey[]> {
  const begin = beginStatements(write, ceremony);
  const results = await database.transaction([...begin, credentialsStatement(ceremony.user)]);
  return (results[begin.length] ?? []).map(storedOf);
}

function storedOf(row: Row): StoredPasskey {
  return {
    id: idOf("passkey", row, "id"),
    user: idOf("user", row, "user_id"),
    credentialId: textOf(row, "credential_id"),
    publicKey: textOf(row, "public_key"),
    transports: row["transports"] as string[],
  };
}

/**
 * Takes the counter of an assertion whose signature is right. It must have risen, or both be 0 for an
 * authenticator without one; else there is a copy of the key somewhere (WebAuthn §6.1.1, §7.2 step 22).
 * Two assertions with the same counter: one is taken.
 */
export async function takeCounter(
  database: Database,
  write: WriteRequest,
  id: PasskeyId,
  counter: number,
): Promise<boolean> {
  const change = sql`
    UPDATE control.passkeys SET counter = ${counter}::bigint, last_used_at = ${instant(write.nowMs)}::timestamptz
    WHERE id = ${id} AND (counter < ${counter}::bigint OR (counter = 0 AND ${counter}::bigint = 0)) RETURNING 1`;
  return applyChange(database, write, null, change);
}

/** A person's passkeys, oldest first. */
export async function listPasskeys(database: Database, user: UserId): Promise<PasskeyView[]> {
  const rows = await database.query(
    sql`SELECT id, name, backed_up, control.rfc3339(created_at) AS created_at,
        control.rfc3339(last_used_at) AS last_used_at
      FROM control.passkeys WHERE user_id = ${user} ORDER BY id LIMIT ${passkeysPerUserMax}`,
    { readOnly: true },
  );
  return rows.map(viewOf);
}

/** Renames one's own passkey; null: there is none. */
export async function renamePasskey(
  database: Database,
  write: WriteRequest,
  passkey: { readonly id: PasskeyId; readonly user: UserId; readonly name: string },
): Promise<PasskeyView | null> {
  const [row] = await database.query(
    sql`WITH changed AS (
        UPDATE control.passkeys SET name = ${passkey.name} WHERE id = ${passkey.id} AND user_id = ${passkey.user}
        RETURNING id, name, backed_up, control.rfc3339(created_at) AS created_at,
          control.rfc3339(last_used_at) AS last_used_at),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT * FROM changed`,
  );
  return row === undefined ? null : viewOf(row);
}

function viewOf(row: Row): PasskeyView {
  return {
    id: idOf("passkey", row, "id"),
    name: textOf(row, "name"),
    backedUp: booleanOf(row, "backed_up"),
    createdAt: textOf(row, "created_at"),
    lastUsedAt: textOrNull(row, "last_used_at"),
  };
}
