/** Finds what a tenant's role has changed about itself: Postgres lets it, so it is detected and repaired. */
import type { TenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { createDatabase, createInteractiveClient, databaseError, sql } from "../../../store/connect.ts";
import type { DataConfig, Placement } from "../config.ts";
import type { TenantPasswords } from "../credentials/passwords.ts";
import { tenantUrl } from "../tenant-url.ts";
import { tenantRoleSettings } from "./tenant-role.ts";

/** `password`: every derived one is refused. `settings`: sessions start otherwise. `large_objects`: it made some. */
export type Drift = "password" | "settings" | "large_objects";

/** @throws DatabaseError when the placement can't be asked */
export async function findDrift(
  config: DataConfig,
  placement: Placement,
  name: TenantIdentifier,
  passwords: TenantPasswords,
): Promise<Drift[]> {
  const found: Drift[] = [];
  const provisioner = createDatabase({ url: placement.provisionerUrl, gateway: config.gateway });
  const [settings, objects] = await provisioner.transaction(
    [
      sql`SELECT s.setdatabase = 0 AS everywhere, s.setconfig FROM pg_db_role_setting s
          JOIN pg_roles r ON r.oid = s.setrole WHERE r.rolname = ${name}`,
      sql`SELECT 1 FROM pg_largeobject_metadata m JOIN pg_roles r ON r.oid = m.lomowner WHERE r.rolname = ${name} LIMIT 1`,
    ],
    { readOnly: true },
  );
  const expected = Object.entries(tenantRoleSettings(name)).map(([setting, value]) => `${setting}=${value}`);
  const [first, ...more] = settings ?? [];
  const actual = Array.isArray(first?.["setconfig"]) ? first["setconfig"] : [];
  const same =
    first?.["everywhere"] === true && more.length === 0 && [...actual].sort().join() === expected.sort().join();
  if (!same) found.push("settings");
  if ((objects ?? []).length > 0) found.push("large_objects");
  if (await everyLoginRefused(config, placement, name, passwords)) found.push("password");
  return found;
}

/** True when the role has none of the passwords that callers are handed. @throws DatabaseError */
export async function everyLoginRefused(
  config: DataConfig,
  placement: Placement,
  name: TenantIdentifier,
  { current, next }: TenantPasswords,
): Promise<boolean> {
  for (const password of [current, next]) {
    if (password !== null && !(await loginRefused(config, tenantUrl(placement, name, password)))) return false;
  }
  return true;
}

/** A session of its own: a pooler may still hold connections that were opened with the password of before. */
async function loginRefused(config: DataConfig, url: string): Promise<boolean> {
  const client = createInteractiveClient({ url, gateway: config.gateway });
  // Without a listener, an error of the socket after the refusal would end the Worker.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    // Not ended here: Postgres closes a session that it refused, and the client would wait for another close.
    const error = databaseError(cause);
    if (!error.loginRefused) throw error;
    return true;
  }
  await client.end();
  return false;
}
