/**
 * Migrates deployed placements: `npm run deploy` calls it, and `node scripts/migrate/main.ts` runs it alone.
 *
 * DATABASE_URLS  JSON {"placement": "postgres://owner:…@host/database?sslmode=verify-full"}; the first
 *                one holds the control plane. Direct connections, not through a pooler.
 * ROLE_PASSWORDS_FILE  the passwords of Sentinel's roles; made by the first run (mode 0600), completed
 *                      by later ones. Without it the roles must exist and keep what they have.
 */
import { fileURLToPath } from "node:url";
import { databaseUrlsFrom } from "./database-urls.ts";
import { readMigrations } from "./files.ts";
import { migrate } from "./migrate.ts";
import { registerPlacements } from "./register-placements.ts";
import { loadRolePasswords, rolePasswordsOf } from "./role-passwords.ts";
import { ensureRoles } from "./roles.ts";
import { showProgressOnStderr } from "./tenants/progress.ts";
import { runReport } from "./tenants/report.ts";
import { isComplete, migrateTenants } from "./tenants/run.ts";

/** @throws Error that says which variable is wrong; MigrationFailed */
export async function migrateFromEnvironment(environment: NodeJS.ProcessEnv = process.env): Promise<void> {
  const urls = databaseUrlsFrom(environment["DATABASE_URLS"]);
  const names = urls.map(({ name }) => name);
  const file = environment["ROLE_PASSWORDS_FILE"];
  const passwords = file === undefined ? null : loadRolePasswords(file, names);
  for (const { name, url } of urls) {
    const isFirst = name === names[0];
    if (passwords !== null) await ensureRoles(url, rolePasswordsOf(passwords, name, isFirst));
    await migrate({
      databaseUrl: url,
      sets: isFirst ? ["placement", "control"] : ["placement"],
      log: (line) => console.log(`${name}: ${line}`),
    });
    console.log(`✓ ${name} is migrated`);
  }
  await registerPlacements(urls[0].url, names);
}

/**
 * Brings every tenant of a deployment to the newest migration, with the defaults of `migrate tenants`.
 * @returns false when some are not; why was printed
 */
export async function migrateTenantsFromEnvironment(environment: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const placements = databaseUrlsFrom(environment["DATABASE_URLS"]);
  const progress = showProgressOnStderr();
  const result = await migrateTenants({ placements, migrations: readMigrations("tenant"), progress });
  progress.end();
  for (const line of runReport(result)) console.log(`tenants: ${line}`);
  return isComplete(result);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await migrateFromEnvironment();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
