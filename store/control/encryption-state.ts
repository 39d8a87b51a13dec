import { keyUnavailableReasons } from "../../core/crypto/key-wrapper.ts";
import type { EncryptionState } from "../../core/rpc/data.ts";
import { type Database, sql } from "../connect.ts";
import { booleanOf, idOf, numberOf, textOf } from "./columns.ts";
import { keeperKind, listOf, settingsOf } from "./data-key-columns.ts";
import type { OrgScope } from "./org-scope.ts";

/** What people are shown of an organisation's keys: no wrapped key and no credentials. */
export async function readEncryptionState(database: Database, { org }: OrgScope): Promise<EncryptionState> {
  const [row] = await database.query(
    sql`SELECT s.keeper, s.keeper_settings, s.shredded_at IS NOT NULL AS shredded, s.changed_by, s.changed_at,
        s.unwrapped_at, s.failed_at, s.failure,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'created_at', k.created_at,
            'messages_reserved', k.messages_reserved, 'current', k.id = s.current_key) ORDER BY k.id), '[]')
          FROM control.data_keys k WHERE k.org_id = s.org_id) AS keys
      FROM control.encryption_settings s WHERE s.org_id = ${org}`,
    { readOnly: true },
  );
  if (row === undefined) return noState;
  const instant = (column: string): string | null => (row[column] instanceof Date ? row[column].toISOString() : null);
  return {
    keeper: { kind: keeperKind(row), settings: settingsOf(row) },
    shredded: booleanOf(row, "shredded"),
    changedBy: row["changed_by"] === null ? null : idOf("user", row, "changed_by"),
    changedAt: instant("changed_at"),
    unwrappedAt: instant("unwrapped_at"),
    failedAt: instant("failed_at"),
    failure: keyUnavailableReasons.find((reason) => reason === row["failure"]) ?? null,
    keys: listOf(row, "keys").map((key) => ({
      id: idOf("dataKey", key, "id"),
      createdAt: new Date(textOf(key, "created_at")).toISOString(),
      messagesReserved: numberOf(key, "messages_reserved"),
      current: booleanOf(key, "current"),
    })),
  };
}

const noState: EncryptionState = {
  keeper: { kind: "sentinel", settings: {} },
  shredded: false,
  changedBy: null,
  changedAt: null,
  unwrappedAt: null,
  failedAt: null,
  failure: null,
  keys: [],
};
