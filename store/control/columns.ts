/** Reads typed values out of rows. A column of another type is a bug in the query, so these throw. */
import { type Id, type IdKind, parseId } from "../../core/ids.ts";
import { parseRole, type Role } from "../../core/tenancy/roles.ts";
import type { Row } from "../connect.ts";

export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`column ${column} is not text`);
  return value;
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null || row[column] === undefined ? null : textOf(row, column);
}

export function idOf<K extends IdKind>(kind: K, row: Row, column: string): Id<K> {
  const id = parseId(kind, row[column]);
  if (id === null) throw new TypeError(`column ${column} is not an identifier of a ${kind}`);
  return id;
}

export function roleOf(row: Row, column: string): Role {
  const role = parseRole(row[column]);
  if (role === null) throw new TypeError(`column ${column} is not a role`);
  return role;
}

export function booleanOf(row: Row, column: string): boolean {
  const value = row[column];
  if (typeof value !== "boolean") throw new TypeError(`column ${column} is not boolean`);
  return value;
}

/** A number the driver reads as one: integer, or double precision. */
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw new TypeError(`column ${column} is not a number`);
  return value;
}

/** Unix milliseconds as a timestamptz parameter. */
export function instant(ms: number): string {
  return new Date(ms).toISOString();
}
