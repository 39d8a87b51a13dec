/** From running clusters to migrated placements: owner, database, roles, migrations, addresses. */
import { Client } from "pg";
import { migrate } from "../migrate/migrate.ts";
import { registerPlacements } from "../migrate/register-placements.ts";
import { makePassword, type RolePasswordSet, rolePasswordsOf } from "../migrate/role-passwords.ts";
import { ensureRoles } from "../migrate/roles.ts";

const database = "sentinel";

/** Passwords of Sentinel's own roles. Kept in the state folder, so that a second start finds them. */
export interface BootstrapSecrets extends RolePasswordSet {
  readonly placements: Readonly<
    Record<string, { readonly owner: string; readonly provisioner: string; readonly auditWriter: string }>
  >;
}

/** New passwords: 256 random bits each, in letters, digits, `-` and `_`. */
export function makeBootstrapSecrets(placementNames: readonly string[]): BootstrapSecrets {
  return {
    control: makePassword(),
    directory: makePassword(),
    placements: Object.fromEntries(
      placementNames.map((name) => [
        name,
        { owner: makePassword(), provisioner: makePassword(), auditWriter: makePassword() },
      ]),
    ),
  };
}

export interface BootstrapOptions {
  /** The first one holds the control plane. */
  readonly clusters: readonly { readonly name: string; readonly port: number; readonly superuserPassword: string }[];
  readonly secrets: BootstrapSecrets;
  readonly log?: (line: string) => void;
}

export interface PlacementAddress {
  readonly provisionerUrl: string;
  readonly auditWriterUrl: string;
  /** `host:port/database`: tenant URLs are built from it. */
  readonly tenantHost: string;
}

export interface Placements {
  /** By placement; plain Postgres connections of the owner, for inspection and backups. */
  readonly ownerUrls: Readonly<Record<string, string>>;
  readonly controlUrl: string;
  readonly directoryUrl: string;
  /** The value of the data Worker's PLACEMENTS, as an object. */
  readonly placements: Readonly<Record<string, PlacementAddress>>;
}

/** Idempotent; a second call on the same clusters with the same secrets changes nothing. */
export async function bootstrapPlacements(options: BootstrapOptions): Promise<Placements> {
  const ownerUrls: Record<string, string> = {};
  const placements: Record<string, PlacementAddress> = {};
  const [first] = options.clusters;
  if (first === undefined) throw new Error("at least one placement is needed");
  for (const cluster of options.clusters) {
    const secrets = options.secrets.placements[cluster.name];
    if (secrets === undefined) throw new Error(`no secrets for placement ${cluster.name}`);
    const url = (role: string, password: string): string =>
      `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${cluster.port}/${database}`;
    const ownerUrl = url("sentinel_owner", secrets.owner);
    await ensureOwner(cluster.port, cluster.superuserPassword, secrets.owner);
    const isFirst = cluster === first;
    await ensureRoles(ownerUrl, rolePasswordsOf(options.secrets, cluster.name, isFirst));
    await migrate({
      databaseUrl: ownerUrl,
      sets: isFirst ? ["placement", "control"] : ["placement"],
      log: (line) => options.log?.(`${cluster.name}: ${line}`),
    });
    ownerUrls[cluster.name] = ownerUrl;
    placements[cluster.name] = {
      provisionerUrl: url("sentinel_provisioner", secrets.provisioner),
      auditWriterUrl: url("sentinel_audit_writer", secrets.auditWriter),
      tenantHost: `127.0.0.1:${cluster.port}/${database}`,
    };
  }
  const firstOwner = ownerUrls[first.name] ?? "";
  await registerPlacements(firstOwner, Object.keys(placements));
  const controlUrl = (role: string, password: string): string => {
    const address = new URL(firstOwner);
    address.username = role;
    address.password = password;
    return address.href;
  };
  return {
    ownerUrls,
    controlUrl: controlUrl("sentinel_control", options.secrets.control),
    directoryUrl: controlUrl("sentinel_directory", options.secrets.directory),
    placements,
  };
}

/**
 * The only work of the superuser: an owner that is none, its database, and closed doors to the others. The owner
 * reads every row, as Neon's does: it is for inspection and backups, and no Worker has its password. Tenants'
 * tables belong to the provisioner, whom their policies bind.
 */
async function ensureOwner(port: number, superuserPassword: string, ownerPassword: string): Promise<void> {
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: "postgres",
    password: superuserPassword,
    database: "postgres",
  });
  await client.connect();
  try {
    const role = await client.query("SELECT FROM pg_roles WHERE rolname = 'sentinel_owner'");
    const verb = role.rowCount === 0 ? "CREATE" : "ALTER";
    await client.query(
      `${verb} ROLE sentinel_owner LOGIN NOSUPERUSER CREATEROLE CREATEDB NOREPLICATION BYPASSRLS PASSWORD ${client.escapeLiteral(ownerPassword)}`,
    );
    await client.query("GRANT pg_read_all_data TO sentinel_owner");
    const existing = await client.query("SELECT FROM pg_database WHERE datname = $1", [database]);
    if (existing.rowCount === 0)
      await client.query(`CREATE DATABASE ${database} OWNER sentinel_owner TEMPLATE template0`);
    await client.query("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC");
  } finally {
    await client.end();
  }
}
