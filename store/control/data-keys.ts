import type {
  DataKeySet,
  DataKeyStore,
  KeeperChange,
  KeeperOutcome,
  WrappedDataKey,
} from "../../core/crypto/data-key-set.ts";
import type { OrgId, UserId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { booleanOf, idOf, numberOf } from "./columns.ts";
import { keeperOf, keysOf } from "./data-key-columns.ts";
import type { OrgScope } from "./org-scope.ts";

/**
 * An organisation's wrapped data keys, for whoever holds what opens them.
 */
export function dataKeyStore(database: Database, { org }: OrgScope): DataKeyStore {
  return {
    read: (messages) => readDataKeys(database, org, messages),
    add: (version, key) => addDataKey(database, org, version, key),
    report: (outcome) => reportKeeper(database, org, outcome),
  };
}

/** Reads the set, and reserves messages of its current key in the same statement. */
async function readDataKeys(database: Database, org: OrgId, messages: number): Promise<DataKeySet> {
  if (!Number.isSafeInteger(messages) || messages < 0) throw new RangeError("messages are counted from 0");
  const set = sql`SELECT s.version, s.current_key, s.shredded_at IS NOT NULL AS shredded,
      s.keeper, s.keeper_settings, s.keeper_credentials,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'wrapped', k.wrapped) ORDER BY k.id), '[]')
        FROM control.data_keys k WHERE k.org_id = s.org_id) AS keys`;
  const [row] =
    messages === 0
      ? await database.query(
          sql`${set}, false AS reserved FROM control.encryption_settings s WHERE s.org_id = ${org}`,
          {
            readOnly: true,
          },
        )
      : // Nothing is reserved beyond what one key may seal: the table's check is the second lock.
        await database.query(sql`
          WITH reserved AS (
            UPDATE control.data_keys k SET messages_reserved = k.messages_reserved + ${messages}::bigint
            FROM control.encryption_settings s
            WHERE s.org_id = ${org} AND k.id = s.current_key AND k.messages_reserved + ${messages}::bigint <= 1073741824
            RETURNING 1)
          ${set}, EXISTS (SELECT FROM reserved) AS reserved
          FROM control.encryption_settings s WHERE s.org_id = ${org}`);
  if (row === undefined) return nothingYet;
  return {
    version: numberOf(row, "version"),
    shredded: booleanOf(row, "shredded"),
    keeper: keeperOf(row),
    current: row["current_key"] === null ? null : idOf("dataKey", row, "current_key"),
    keys: keysOf(row),
    reserved: booleanOf(row, "reserved") ? messages : 0,
  };
}

const nothingYet: DataKeySet = {
  version: 0,
  shredded: false,
  keeper: { kind: "sentinel", settings: {}, credentials: null },
  current: null,
  keys: [],
  reserved: 0,
};

/** @returns false when the set is no longer the one of `version`, or was shredded */
async function addDataKey(database: Database, org: OrgId, version: number, key: WrappedDataKey): Promise<boolean> {
  // The first key makes the row; a row that is there must have the version that the caller has read.
  const rows = await database.query(sql`
    WITH moved AS (
      INSERT INTO control.encryption_settings AS s (org_id, version, current_key)
      SELECT p.org_id, 1, ${key.id} FROM control.organisation_placements p
      WHERE p.org_id = ${org} AND (${version}::integer = 0
        OR EXISTS (SELECT FROM control.encryption_settings e WHERE e.org_id = p.org_id))
      ON CONFLICT (org_id) DO UPDATE SET version = s.version + 1, current_key = excluded.current_key
      WHERE s.version = ${version}::integer AND s.shredded_at IS NULL
      RETURNING org_id)
    INSERT INTO control.data_keys (id, org_id, wrapped) SELECT ${key.id}, org_id, ${key.wrapped} FROM moved RETURNING id`);
  return rows.length === 1;
}

/**
 * Replaces the keeper and every wrapped key together, so that none is ever left with the one before.
 * @param by whose change it is (null: the platform's), and the request that its receipt is for
 * @returns false when the set has changed since it was read; then nothing was changed
 */
export async function changeKeeper(
  database: Database,
  { org }: OrgScope,
  by: { readonly user: UserId | null; readonly requestId: string },
  change: KeeperChange,
): Promise<boolean> {
  const { keeper, keys } = change;
  const rows = await database.query(sql`
    WITH moved AS (
      UPDATE control.encryption_settings s SET version = s.version + 1, keeper = ${keeper.kind},
        keeper_settings = ${JSON.stringify(keeper.settings)}::text::jsonb, keeper_credentials = ${keeper.credentials},
        changed_by = ${by.user}, changed_at = now(), unwrapped_at = now(), failed_at = NULL, failure = NULL
      WHERE s.org_id = ${org} AND s.version = ${change.version}::integer AND s.shredded_at IS NULL
        AND ${keys.length}::bigint = (SELECT count(*) FROM control.data_keys k WHERE k.org_id = s.org_id)
      RETURNING s.org_id),
    rewrapped AS (
      UPDATE control.data_keys k SET wrapped = given.wrapped
      FROM unnest(${keys.map((key) => key.id)}::text[], ${keys.map((key) => key.wrapped)}::text[]) AS given (id, wrapped), moved
      WHERE k.id = given.id AND k.org_id = moved.org_id),
    receipt AS (
      INSERT INTO control.operation_receipts (request_id, org_id) SELECT ${by.requestId}, org_id FROM moved
      ON CONFLICT DO NOTHING)
    SELECT org_id FROM moved`);
  return rows.length === 1;
}

/** Notes how the keeper answered, once a minute at most. */
async function reportKeeper(database: Database, org: OrgId, outcome: KeeperOutcome): Promise<void> {
  const minute = sql`now() - interval '1 minute'`;
  await database.query(
    outcome === "answered"
      ? sql`UPDATE control.encryption_settings SET unwrapped_at = now()
          WHERE org_id = ${org} AND (unwrapped_at IS NULL OR unwrapped_at < ${minute} OR unwrapped_at < failed_at)`
      : sql`UPDATE control.encryption_settings SET failed_at = now(), failure = ${outcome}
          WHERE org_id = ${org} AND (failed_at IS NULL OR failed_at < ${minute} OR failed_at < unwrapped_at
            OR failure IS DISTINCT FROM ${outcome})`,
  );
}

/**
 * Deletes every wrapped key of an organisation, irrevocably, and sees to it that it gets no further one:
 * whatever they sealed (rows, and the keys of backups) can't be opened any more, wherever a copy lies.
 * An isolate that has a key in memory forgets it within minutes. A second time it does nothing.
 * @returns how many keys there were
 * @throws DatabaseError
 */
export async function shredDataKeys(database: Database, { org }: OrgScope): Promise<number> {
  const [, rows] = await database.transaction([
    // First, so that whoever adds a key meanwhile waits for this row and then finds it shredded. The
    // keeper's credentials go along: nothing is left to ask it for.
    sql`INSERT INTO control.encryption_settings AS s (org_id, version, shredded_at)
      SELECT p.org_id, 1, now() FROM control.organisation_placements p WHERE p.org_id = ${org}
      ON CONFLICT (org_id) DO UPDATE SET current_key = NULL, version = s.version + 1, keeper = 'sentinel',
        keeper_settings = '{}', keeper_credentials = NULL, shredded_at = now()
      WHERE s.shredded_at IS NULL`,
    sql`DELETE FROM control.data_keys WHERE org_id = ${org} RETURNING 1`,
  ]);
  return rows?.length ?? 0;
}
