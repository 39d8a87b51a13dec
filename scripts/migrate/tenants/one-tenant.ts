/** One tenant, one transaction. */
import type pg from "pg";
import { migrationStatement, type TenantMigration } from "../../../workers/data/provisioner/tenant-schema.ts";
import { beginAsProvisioner, type TenantLimits } from "./connections.ts";
import type { PlannedTenant } from "./plan.ts";

/** What stopped a tenant, as Postgres says it. The message is its primary one: no row, no parameter. */
export interface TenantFailure {
  /** Of migrations/tenant; null when no file was being applied. */
  readonly file: string | null;
  /** SQLSTATE, or the system's code where Postgres gave none. */
  readonly code: string;
  readonly message: string;
}

/**
 * - `busy`: somebody else uses what it would lock, or it took too long; later is as good as now.
 * - `unreachable`: no usable answer. It may have been committed; asking again finds out.
 * - `failed`: the file does not apply to this tenant; trying again changes nothing.
 */
export type TenantOutcome =
  | { readonly kind: "migrated"; readonly number: number }
  | ({ readonly kind: "busy" | "unreachable" | "failed" } & TenantFailure);

/**
 * Applies what a tenant lacks, all or nothing. Safe at any moment, twice, and beside another run: each file's
 * statement looks into the schema's own ledger and writes it in the same transaction.
 * @param migrations all of them, in order
 */
export async function migrateTenant(
  client: pg.ClientBase,
  tenant: PlannedTenant,
  migrations: readonly TenantMigration[],
  limits: TenantLimits,
): Promise<TenantOutcome> {
  let file: string | null = null;
  try {
    await client.query(beginAsProvisioner(limits));
    for (const migration of migrations.filter(({ number }) => number > tenant.number)) {
      file = migration.name;
      await client.query(migrationStatement(tenant.name, migration).text);
    }
    file = null;
    // The commit point: before it nothing of this run is there, after it all of it is. The control plane's
    // index is written after it, so it can only be behind.
    await client.query("COMMIT");
    return { kind: "migrated", number: migrations.at(-1)?.number ?? 0 };
  } catch (error) {
    const failure = describeFailure(error, file);
    // A session that the server ended can't be rolled back, and need not be.
    if (failure.kind !== "unreachable") await client.query("ROLLBACK").catch(() => undefined);
    return failure;
  }
}

/** lock_timeout, statement cancelled, transaction_timeout, deadlock, serialization, lost race for a ledger row. */
const busyCodes = ["55P03", "57014", "25P04", "40P01", "40001"];

/** Turns whatever was thrown into an outcome. */
export function describeFailure(
  error: unknown,
  file: string | null,
): { kind: "busy" | "unreachable" | "failed" } & TenantFailure {
  const { code, message, severity, constraint } = error as {
    code?: string;
    message?: string;
    severity?: string;
    constraint?: string;
  };
  const failure = { file, code: code ?? "none", message: message ?? "no answer" };
  if (busyCodes.includes(failure.code)) return { kind: "busy", ...failure };
  // Another run applied it between our look and our row; the next look finds it done.
  if (failure.code === "23505" && constraint === "schema_migrations_pkey") return { kind: "busy", ...failure };
  // Connection exceptions, exhausted resources, shutdown; and what is no answer of Postgres at all.
  if (severity === undefined || /^(?:08|53|57P0)/.test(failure.code)) return { kind: "unreachable", ...failure };
  return { kind: "failed", ...failure };
}
