import { expect } from "vitest";
import type { DeviceId } from "../../../core/ids.ts";
import { DatabaseError, type Row, sql, unsafeRawSql } from "../../../store/connect.ts";
import { asSuperuser, type FreshTenant } from "../../postgres/support.ts";
import { newId } from "../../unit/capabilities/mesh.ts";

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

/** Puts one device into a tenant as a superuser, past every policy. */
export async function seedDevice(tenant: FreshTenant, name = "seeded"): Promise<DeviceId> {
  const [device, code] = [newId("device"), newId("enrollmentCode")];
  const hash = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
  await asSuperuser(
    `WITH code AS (
      INSERT INTO ${tenant.name}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
      VALUES ($1, $2, 'code', now(), 1, 'nobody') RETURNING id)
    INSERT INTO ${tenant.name}.devices (id, name, platform, token_sha256, enrollment_code_id)
    SELECT $3, $4, 'linux', $2, id FROM code`,
    [code, hash, device, name],
    tenant.placement,
  );
  return device;
}

/**
 * One hash over everything in a tenant's schema: the rows of each table, and the definitions and rights of
 * each table, function and policy. Seen by a superuser.
 */
export async function checksum(tenant: FreshTenant): Promise<string> {
  const [row] = await asSuperuser(
    `SELECT md5(string_agg(part, E'\n' ORDER BY part)) AS checksum FROM (
      SELECT c.relname || query_to_xml(format('SELECT t::text AS t FROM %I.%I t ORDER BY 1', $1::text, c.relname), true, true, '')::text
      FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p')
      UNION ALL SELECT concat_ws(' ', c.relname, c.relacl, c.relrowsecurity, c.relforcerowsecurity)
      FROM pg_class c WHERE c.relnamespace = $1::regnamespace
      UNION ALL SELECT concat_ws(' ', a.attrelid::regclass, a.attname, a.attacl)
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = $1::regnamespace
      UNION ALL SELECT concat_ws(' ', pg_get_functiondef(p.oid), p.proacl) FROM pg_proc p WHERE p.pronamespace = $1::regnamespace
      UNION ALL SELECT p::text FROM pg_policies p WHERE p.schemaname = $1
      UNION ALL SELECT concat_ws(' ', n.nspname, n.nspacl, n.nspowner::regrole) FROM pg_namespace n WHERE n.nspname = $1
    ) parts (part)`,
    [tenant.name],
    tenant.placement,
  );
  return String(row?.["checksum"]);
}
