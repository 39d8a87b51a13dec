/**
 * Migrates deployed placements: `npm run deploy` calls it, and `node scripts/migrate/main.ts` runs it alone.
 *
 * DATABASE_URLS  JSON {"placement": "postgres://owner:…@host/database?sslmode=verify-full"}; the first
 *                one holds the control plane. Direct connections, not through a pooler.
 * ROLE_SECRETS   optional JSON {"control", "directory", "placements": {"placement": {"provisioner", "auditWriter"}}}:
 *                passwords of Sentinel's roles. Needed for the first time and to change one.
 */
import { fileURLToPath } from "node:url";
import { migrate } from "./migrate.ts";
import { registerPlacements } from "./register-placements.ts";
import { controlRoles, ensureRoles, placementRoles, type RolePasswords } from "./roles.ts";

interface RoleSecrets {
  readonly control?: string;
  readonly directory?: string;
  readonly placements?: Readonly<Record<string, { readonly provisioner?: string; readonly auditWriter?: string }>>;
}

/** @throws Error that says which variable is wrong; MigrationFailed */
export async function migrateFromEnvironment(environment: NodeJS.ProcessEnv = process.env): Promise<void> {
  const urls = Object.entries(parse<Record<string, string>>("DATABASE_URLS", environment["DATABASE_URLS"]));
  const secrets =
    environment["ROLE_SECRETS"] === undefined ? null : parse<RoleSecrets>("ROLE_SECRETS", environment["ROLE_SECRETS"]);
  const [first] = urls;
  if (first === undefined) throw new Error("DATABASE_URLS names no placement");
  for (const [name, url] of urls) {
    requireVerifiedTls(name, url);
    const isFirst = name === first[0];
    if (secrets !== null) await ensureRoles(url, passwordsOf(secrets, name, isFirst));
    await migrate({
      databaseUrl: url,
      sets: isFirst ? ["placement", "control"] : ["placement"],
      log: (line) => console.log(`${name}: ${line}`),
    });
    console.log(`✓ ${name} is migrated`);
  }
  await registerPlacements(
    first[1],
    urls.map(([name]) => name),
  );
}

function parse<T>(name: string, text: string | undefined): T {
  if (text === undefined) throw new Error(`${name} is not set; docs/runbooks/deploy.md says what it holds`);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`${name} is not JSON`);
  }
}

/** Over a network only with a certificate that is checked; this machine needs none. */
function requireVerifiedTls(name: string, url: string): void {
  const parsed = URL.parse(url);
  if (parsed === null) throw new Error(`DATABASE_URLS: ${name} is not an address`);
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(parsed.hostname);
  if (!local && parsed.searchParams.get("sslmode") !== "verify-full") {
    throw new Error(`DATABASE_URLS: ${name} needs ?sslmode=verify-full`);
  }
}

function passwordsOf(secrets: RoleSecrets, placement: string, isFirst: boolean): RolePasswords {
  const own = secrets.placements?.[placement];
  const given = {
    sentinel_provisioner: own?.provisioner,
    sentinel_audit_writer: own?.auditWriter,
    sentinel_tenant: null,
    sentinel_control: secrets.control,
    sentinel_directory: secrets.directory,
  };
  const names = isFirst ? [...placementRoles, ...controlRoles] : placementRoles;
  const passwords: Record<string, string | null> = {};
  for (const name of names) {
    const password = given[name];
    if (password === undefined) throw new Error(`ROLE_SECRETS lacks the password of ${name} (${placement})`);
    if (password !== null && password.length < 32)
      throw new Error(`ROLE_SECRETS: ${name} needs at least 32 characters`);
    passwords[name] = password;
  }
  return passwords;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await migrateFromEnvironment();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
