/** Reads the columns of control.encryption_settings and control.data_keys. */
import { type KeeperRecord, keeperKinds, type WrappedDataKey } from "../../core/crypto/data-key-set.ts";
import { parseId } from "../../core/ids.ts";
import type { Row } from "../connect.ts";
import { textOf, textOrNull } from "./columns.ts";

export function keeperKind(row: Row): KeeperRecord["kind"] {
  const kind = keeperKinds.find((known) => known === row["keeper"]);
  if (kind === undefined) throw new TypeError("column keeper is no kind of keeper");
  return kind;
}

export function settingsOf(row: Row): Readonly<Record<string, unknown>> {
  const settings = row["keeper_settings"];
  if (typeof settings !== "object" || settings === null) throw new TypeError("column keeper_settings is no object");
  return settings as Record<string, unknown>;
}

export function keeperOf(row: Row): KeeperRecord {
  return { kind: keeperKind(row), settings: settingsOf(row), credentials: textOrNull(row, "keeper_credentials") };
}

export function keysOf(row: Row): WrappedDataKey[] {
  return listOf(row, "keys").map((key) => {
    const id = parseId("dataKey", key["id"]);
    if (id === null) throw new TypeError("column keys holds something that is no key");
    return { id, wrapped: textOf(key, "wrapped") };
  });
}

export function listOf(row: Row, column: string): Row[] {
  const value = row[column];
  if (!Array.isArray(value)) throw new TypeError(`column ${column} is not a list`);
  return value as Row[];
}
