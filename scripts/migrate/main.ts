/**
 * Migrates deployed placements: `npm run deploy` calls it, and `node scripts/migrate/main.ts` runs it alone.
 *
 * DATABASE_URLS  JSON {"placement": "postgres://owner:…@host/database?sslmode=verify-full"}; the first
 *                one holds the control plane. Direct connections, not through a pooler.
 * ROLE_PASSWORDS_FILE  the passwords of Sentinel's roles; made by the first run (mode 0600), completed
 *                      by later ones. Without it the roles must exist and keep what they have.
 */
import { fileURLToPath } from "node:url";
import { migrate } from "./migrate.ts";
import { registerPlacements } from "./register-placements.ts";
import { loadRolePasswords, rolePasswordsOf } from "./role-passwords.ts";
import { ensureRoles } from "./roles.ts";

/** @throws Error that says which variable is wrong; MigrationFailed */
export async function migrateFromEnvironment(environment: NodeJS.ProcessEnv = process.env): Promise<void> {
  const urls = Object.entries(parse<Record<string, string>>("DATABASE_URLS", environment["DATABASE_URLS"]));
  const [first] = urls;
  if (first === undefined) throw new Error("DATABASE_URLS names no placement");
  for (const [name, url] of urls) requireVerifiedTls(name, url);
  const file = environment["ROLE_PASSWORDS_FILE"];
  const passwords =
    file === undefined
      ? null
      : loadRolePasswords(
          file,
          urls.map(([name]) => name),
        );
  for (const [name, url] of urls) {
    const isFirst = name === first[0];
    if (passwords !== null) await ensureRoles(url, rolePasswordsOf(passwords, name, isFirst));
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await migrateFromEnvironment();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
