/** Migrations of releases to come, in the order expand, then contract: what tests and soak move tenants to. */
import { createHash } from "node:crypto";
import { readMigrations } from "../../scripts/migrate/files.ts";
import type { TenantMigration } from "../../workers/data/provisioner/tenant-schema.ts";

const texts: readonly (readonly [name: string, sql: string])[] = [
  [
    "sites",
    `CREATE TABLE {{schema}}.test_sites (
       id text PRIMARY KEY,
       name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100)
     );
     ALTER TABLE {{schema}}.test_sites ENABLE ROW LEVEL SECURITY;
     CREATE POLICY test_sites_read ON {{schema}}.test_sites FOR SELECT TO {{role}}
       USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin'));
     GRANT SELECT, INSERT ON {{schema}}.test_sites TO {{role}};
     ALTER TABLE {{schema}}.devices ADD COLUMN test_site text;
     GRANT UPDATE (test_site) ON {{schema}}.devices TO {{role}};
     CREATE INDEX test_devices_site ON {{schema}}.devices (test_site);`,
  ],
  [
    "sites_filled",
    // Row level security holds for the owner of the tables too, so without this it would fill nothing and say so to nobody.
    `ALTER TABLE {{schema}}.devices NO FORCE ROW LEVEL SECURITY;
     UPDATE {{schema}}.devices SET test_site = 'main' WHERE test_site IS NULL;
     ALTER TABLE {{schema}}.devices FORCE ROW LEVEL SECURITY;
     ALTER TABLE {{schema}}.devices ALTER COLUMN test_site SET DEFAULT 'main';
     ALTER TABLE {{schema}}.devices ADD CONSTRAINT test_site_known CHECK (test_site IS NOT NULL) NOT VALID;`,
  ],
  [
    "sites_required",
    `ALTER TABLE {{schema}}.devices VALIDATE CONSTRAINT test_site_known;
     ALTER TABLE {{schema}}.devices ALTER COLUMN test_site SET NOT NULL;
     ALTER TABLE {{schema}}.devices DROP CONSTRAINT test_site_known;`,
  ],
];

/** Migrations of this release followed by `count` of later ones. */
export function withLaterMigrations(count: number): TenantMigration[] {
  const known = readMigrations("tenant");
  return [
    ...known,
    ...texts.slice(0, count).map(([name, sql], index) => nextMigration(known.length + index, name, sql)),
  ];
}

/** The migration after `last`. */
export function nextMigration(last: number, name: string, sql: string): TenantMigration {
  const number = last + 1;
  const checksum = createHash("sha256").update(sql).digest("hex");
  return { number, name: `${String(number).padStart(4, "0")}_test_${name}.sql`, sql, checksum };
}
