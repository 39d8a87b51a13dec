/**
 * Writes migrations/tenant into a module of the data Worker, so that it travels in the bundle and
 * is the same under wrangler, miniflare, vitest and plain Node. Run after each change of a file there:
 * `node scripts/migrate/bundle-tenant.ts`. A test fails when it was forgotten.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readMigrations } from "./files.ts";

const target = fileURLToPath(new URL("../../workers/data/provisioner/tenant-migrations.ts", import.meta.url));

/** The module's text. */
export function tenantMigrationsModule(): string {
  const entries = readMigrations("tenant").map(
    ({ number, name, checksum, sql }) =>
      `  {\n    number: ${number},\n    name: "${name}",\n    checksum: "${checksum}",\n    sql: ${literal(sql)},\n  },\n`,
  );
  return `/** Generated from migrations/tenant by scripts/migrate/bundle-tenant.ts; change the files there. */
import type { TenantMigration } from "./tenant-schema.ts";

export const tenantMigrations: readonly TenantMigration[] = [
${entries.join("")}];
`;
}

/** A template literal that yields exactly the text. */
function literal(text: string): string {
  return `\`${text.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${")}\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, tenantMigrationsModule());
