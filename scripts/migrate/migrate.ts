/** Applies the owner's migrations: each in one transaction with its bookkeeping row. */
import type { Client } from "pg";
import { type MigrationFile, type MigrationSet, readMigrations } from "./files.ts";
import { asOwner } from "./owner.ts";

export interface MigrateOptions {
  /** The owner's connection: `postgres://sentinel_owner:…@host/database`; direct, not through a pooler. */
  readonly databaseUrl: string;
  /** In this order. */
  readonly sets: readonly MigrationSet[];
  /** The last file to apply, by number; default: the newest. For looking at versions one by one. */
  readonly until?: number;
  readonly log?: (line: string) => void;
}

/** A migration that can't go on, with what to do about it. */
export class MigrationFailed extends Error {}

/**
 * Brings a database to the newest migration of each set. Safe to run twice and at the same time.
 * @returns the names of the files that this call applied
 * @throws MigrationFailed
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  return await asOwner(options.databaseUrl, async (client) => {
    await ensureBookkeeping(client);
    const applied: string[] = [];
    for (const set of options.sets) {
      for (const file of readMigrations(set).slice(0, options.until)) {
        if (await applyOne(client, set, file)) {
          applied.push(`${set}/${file.name}`);
          options.log?.(`applied ${set}/${file.name}`);
        }
      }
    }
    return applied;
  });
}

async function ensureBookkeeping(client: Client): Promise<void> {
  const create = `
    CREATE SCHEMA IF NOT EXISTS migrations;
    CREATE TABLE IF NOT EXISTS migrations.applied (
      set text NOT NULL,
      number integer NOT NULL,
      name text NOT NULL,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (set, number)
    )`;
  try {
    await client.query(create);
  } catch (error) {
    // IF NOT EXISTS does not hold against a migrator that creates it at the same moment (23505, 42P06, 42P07).
    if (!["23505", "42P06", "42P07"].includes(String((error as { code?: unknown }).code))) throw error;
    await client.query(create);
  }
}

/** @returns false when it was applied before */
async function applyOne(client: Client, set: MigrationSet, file: MigrationFile): Promise<boolean> {
  await client.query("BEGIN");
  try {
    // Racing migrators queue here. A table's lock and not an advisory one, because every role of the
    // database, a tenant's too, can take an advisory lock and hold it.
    await client.query("LOCK TABLE migrations.applied IN SHARE ROW EXCLUSIVE MODE");
    const found = await client.query<{ checksum: string }>(
      "SELECT checksum FROM migrations.applied WHERE set = $1 AND number = $2",
      [set, file.number],
    );
    const before = found.rows[0];
    if (before !== undefined) {
      await client.query("ROLLBACK");
      if (before.checksum === file.checksum) return false;
      throw new MigrationFailed(
        `migrations/${set}/${file.name} was changed after it had been applied. Restore its text and write a new file for the change.`,
      );
    }
    await client.query("INSERT INTO migrations.applied (set, number, name, checksum) VALUES ($1, $2, $3, $4)", [
      set,
      file.number,
      file.name,
      file.checksum,
    ]);
    await client.query(file.sql);
    await client.query("COMMIT");
    return true;
  } catch (error) {
    if (error instanceof MigrationFailed) throw error;
    await client.query("ROLLBACK").catch(() => undefined);
    const { code, message, position } = error as { code?: string; message: string; position?: string };
    const line = position === undefined ? "" : ` near line ${file.sql.slice(0, Number(position)).split("\n").length}`;
    throw new MigrationFailed(
      `migrations/${set}/${file.name} failed${line}: ${code ?? ""} ${message}. Nothing of it was kept.`,
    );
  }
}
