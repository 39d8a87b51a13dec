/** Sentinel's own roles, made by an owner that is no superuser (PostgreSQL 16 or newer). */
import type { Client } from "pg";
import { asOwner } from "./owner.ts";

/** What a role may do besides what the migrations grant it. */
const attributes = {
  sentinel_control: "LOGIN NOCREATEROLE",
  sentinel_directory: "LOGIN NOCREATEROLE",
  /** Makes tenant roles, so it needs CREATEROLE; from 16 on that reaches only roles which it made itself. */
  sentinel_provisioner: "LOGIN CREATEROLE",
  sentinel_audit_writer: "LOGIN NOCREATEROLE",
  /** The group of all tenants' roles: it may connect, and nothing else. */
  sentinel_tenant: "NOLOGIN NOCREATEROLE",
} as const;
export type RoleName = keyof typeof attributes;

/** Which roles a placement needs; the first one holds the control plane too. */
export const placementRoles = ["sentinel_provisioner", "sentinel_audit_writer", "sentinel_tenant"] as const;
export const controlRoles = ["sentinel_control", "sentinel_directory"] as const;

/** A role's password; null for a role that can't log in. */
export type RolePasswords = Readonly<Partial<Record<RoleName, string | null>>>;

/**
 * Makes the roles that are missing and sets every given password, so that a changed secret takes
 * effect with the next start or deployment.
 * @param databaseUrl the owner's; needs CREATEROLE, not SUPERUSER
 */
export async function ensureRoles(databaseUrl: string, passwords: RolePasswords): Promise<void> {
  await asOwner(databaseUrl, async (client) => {
    for (const [name, password] of Object.entries(passwords) as [RoleName, string | null][]) {
      await ensureRole(client, name, password);
    }
  });
}

async function ensureRole(client: Client, name: RoleName, password: string | null): Promise<void> {
  const secret = password === null ? "" : ` PASSWORD ${client.escapeLiteral(password)}`;
  const found = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [name]);
  const rights = `${attributes[name]} NOINHERIT`;
  try {
    if (found.rowCount === 0) {
      await client.query(`CREATE ROLE ${name} ${rights} NOCREATEDB NOREPLICATION NOBYPASSRLS${secret}`);
    } else if (password !== null) {
      await client.query(`ALTER ROLE ${name}${secret}`);
    }
  } catch (error) {
    const { code } = error as { code?: string };
    // Another migrator made it in the meantime (42710, 23505), or is setting the same password (XX000).
    if (code === "42710" || code === "23505" || code === "XX000") return;
    // The server's text could quote the statement; the password is in it.
    throw new Error(
      `role ${name} could not be made or changed (SQLSTATE ${code ?? "none"}): the owner needs CREATEROLE and must have made it`,
    );
  }
}
