/** A tenant with some rows in it, made the way the product makes them. */

import { randomBytes } from "node:crypto";
import { rowScopeKey, signRowScope, tenantPassword } from "../../core/crypto/tenant-keys.ts";
import { makeId, type OrgId, type UserId } from "../../core/ids.ts";
import { type TenantIdentifier, tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { readMigrations } from "../../scripts/migrate/files.ts";
import { createDatabase, sql } from "../../store/connect.ts";
import type { DataConfig } from "../../workers/data/config.ts";
import { createTenant } from "../../workers/data/provisioner/create-tenant.ts";
import { scopeOf } from "./scopes.ts";

export interface LivedInTenant {
  readonly org: OrgId;
  readonly name: TenantIdentifier;
  readonly placement: string;
  /** The tenant role's own connection. */
  readonly url: string;
}

const devicesCount = 5;
const groupsCount = 2;
const random = (): Uint8Array => randomBytes(10);
const hash = (): string => randomBytes(32).toString("hex");

/** Schema, role and newest migration, by the data Worker's own code. */
export async function makeTenant(config: DataConfig): Promise<LivedInTenant> {
  const org = makeId("org", Date.now(), random());
  const { placement } = await createTenant(config, scopeOf(org), readMigrations("tenant"));
  const name = tenantIdentifier(org);
  const host = config.placements.get(placement)?.tenantHost ?? "";
  return { org, name, placement, url: `postgres://${name}:${await tenantPassword(config.root, org, 1)}@${host}` };
}

/** Rows as a small school has them on its first day, written by the tenant's own role under signed scopes. */
export async function moveIn(config: DataConfig, { org, url }: LivedInTenant): Promise<void> {
  const database = createDatabase({ url, gateway: config.gateway });
  const key = await rowScopeKey(config.root, org);
  const scope = async (role: "owner" | "system", user: UserId | null) =>
    sql`SELECT set_config('sentinel.scope', ${await signRowScope(key, { user, role, expiresAtMs: Date.now() + 60_000 })}, true)`;
  const user = makeId("user", Date.now(), random());
  const code = makeId("enrollmentCode", Date.now(), random());
  const devices = Array.from({ length: devicesCount }, () => makeId("device", Date.now(), random()));
  await database.transaction([
    await scope("owner", user),
    sql`INSERT INTO enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
        VALUES (${code}, ${hash()}, 'first code', now() + interval '1 day', 100, ${user})`,
    ...Array.from(
      { length: groupsCount },
      (_, index) =>
        sql`INSERT INTO groups (id, name) VALUES (${makeId("group", Date.now(), random())}, ${`room ${index}`})`,
    ),
    await scope("system", null),
    sql`INSERT INTO devices (id, name, platform, token_sha256, enrollment_code_id)
        SELECT id, 'device', 'linux', ${hash()}, ${code} FROM unnest(${devices}::text[]) id`,
  ]);
}
