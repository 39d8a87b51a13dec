/** The schema of one tenant: made, and migrated to the newest. */
import type { TenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { type Statement, sql, unsafeRawSql } from "../../../store/connect.ts";

/** A file of migrations/tenant. */
export interface TenantMigration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text before its placeholders are filled in, hex. */
  readonly checksum: string;
}

/** Dollar quotes around a migration; no file may contain them. */
const quotes = { block: "$sentinel_migration$", body: "$sentinel_body$" } as const;

/** Schema and bookkeeping, then every migration in order; those applied before do nothing. */
export function tenantSchemaStatements(name: TenantIdentifier, migrations: readonly TenantMigration[]): Statement[] {
  const schema = unsafeRawSql(name);
  return [
    sql`CREATE SCHEMA IF NOT EXISTS ${schema}`,
    sql`CREATE TABLE IF NOT EXISTS ${schema}.schema_migrations (
      number integer PRIMARY KEY,
      name text NOT NULL,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`,
    ...migrations.map((migration) => migrationStatement(name, migration)),
  ];
}

/**
 * One statement that applies a migration unless it was applied, and refuses one that was changed since. New
 * tenants get it here and existing ones from `scripts/migrate/tenants`, so both run the very same text.
 */
export function migrationStatement(name: TenantIdentifier, migration: TenantMigration): Statement {
  const text = migration.sql.replaceAll("{{schema}}", name).replaceAll("{{role}}", name);
  if (Object.values(quotes).some((quote) => text.includes(quote)) || text.includes("{{")) {
    throw new Error(`migrations/tenant/${migration.name} has a placeholder or a quote that it may not have`);
  }
  const { number, checksum } = migration;
  if (!/^\d+$/.test(String(number)) || !/^[0-9a-f]{64}$/.test(checksum) || !/^[a-z0-9_.]+$/.test(migration.name)) {
    throw new Error("a migration's number, name or checksum is malformed");
  }
  // The row goes in first: a second creation at the same time waits for it and then fails or finds it.
  return sql`${unsafeRawSql(`DO ${quotes.block}
DECLARE
  before text;
BEGIN
  SELECT checksum INTO before FROM ${name}.schema_migrations WHERE number = ${number};
  IF before IS NULL THEN
    INSERT INTO ${name}.schema_migrations (number, name, checksum) VALUES (${number}, '${migration.name}', '${checksum}');
    EXECUTE ${quotes.body}${text}${quotes.body};
  ELSIF before <> '${checksum}' THEN
    RAISE EXCEPTION 'migrations/tenant/${migration.name} was changed after it had been applied';
  END IF;
END ${quotes.block}`)}`;
}

/** HMAC's key as its two padded blocks; see `hmacPads`. */
export interface ScopePads {
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
}

/**
 * Stores the halves of the key that checks row scopes.
 * @param previous while the root secret changes: the key that scopes were signed with until now, which is
 *   good for so many milliseconds more. Null: one that is there ends by itself.
 */
export function scopeKeyStatement(
  name: TenantIdentifier,
  pads: ScopePads,
  previous: (ScopePads & { readonly forMs: number }) | null = null,
): Statement {
  const columns = sql`${hex(pads.inner)}::bytea AS inner_pad, ${hex(pads.outer)}::bytea AS outer_pad`;
  const table = unsafeRawSql(`${name}.scope_key`);
  if (previous === null) {
    return sql`INSERT INTO ${table} AS k (inner_pad, outer_pad) SELECT ${columns}
      ON CONFLICT (singleton) DO UPDATE SET inner_pad = EXCLUDED.inner_pad, outer_pad = EXCLUDED.outer_pad
      WHERE (k.inner_pad, k.outer_pad) IS DISTINCT FROM (EXCLUDED.inner_pad, EXCLUDED.outer_pad)`;
  }
  return sql`INSERT INTO ${table} (inner_pad, outer_pad, previous_inner_pad, previous_outer_pad, previous_until)
    SELECT ${columns}, ${hex(previous.inner)}::bytea, ${hex(previous.outer)}::bytea,
      clock_timestamp() + ${previous.forMs} * interval '1 millisecond'
    ON CONFLICT (singleton) DO UPDATE SET inner_pad = EXCLUDED.inner_pad, outer_pad = EXCLUDED.outer_pad,
      previous_inner_pad = EXCLUDED.previous_inner_pad, previous_outer_pad = EXCLUDED.previous_outer_pad,
      previous_until = EXCLUDED.previous_until`;
}

const hex = (bytes: Uint8Array): string =>
  `\\x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
