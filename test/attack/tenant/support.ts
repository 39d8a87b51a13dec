import { expect } from "vitest";
import { DatabaseError, type Row, sql, unsafeRawSql } from "../../../store/connect.ts";
import type { FreshTenant } from "../../postgres/support.ts";

/**
 * Runs hostile SQL as the tenant's own role, as an injection would: through the product's driver, in
 * a transaction that has begun with a valid scope of an owner.
 */
export async function attack(tenant: FreshTenant, ...texts: string[]): Promise<Row[]> {
  const scope = await tenant.rowScope("owner");
  const results = await tenant.database.transaction([
    sql`SELECT set_config('sentinel.scope', ${scope}, true)`,
    ...texts.map((text) => sql`${unsafeRawSql(text)}`),
  ]);
  return results.at(-1) ?? [];
}

/** SQLSTATE of the refusal; fails the test when the attack went through. */
export async function refusal(work: Promise<unknown>): Promise<string | null> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  expect(outcome, "the attack went through").toHaveProperty("error");
  const { error } = outcome as { error: unknown };
  expect(error).toBeInstanceOf(DatabaseError);
  return (error as DatabaseError).code;
}

/** 42501: insufficient privilege. */
export const denied = "42501";
