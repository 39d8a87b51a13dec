/** Passwords of Sentinel's own roles: by placement, with the control plane's beside them. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { controlRoles, placementRoles, type RolePasswords } from "./roles.ts";

export interface RolePasswordSet {
  readonly control: string;
  readonly directory: string;
  readonly placements: Readonly<Record<string, { readonly provisioner: string; readonly auditWriter: string }>>;
}

/** 256 random bits in letters, digits, `-` and `_`. */
export const makePassword = (): string => randomBytes(32).toString("base64url");

/**
 * Reads the file of an operator, or makes it (mode 0600); a placement that is new gets passwords
 * before any role does, so that none is ever lost.
 */
export function loadRolePasswords(path: string, placements: readonly string[]): RolePasswordSet {
  const held = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Partial<RolePasswordSet>) : {};
  const complete: RolePasswordSet = {
    control: held.control ?? makePassword(),
    directory: held.directory ?? makePassword(),
    placements: {
      ...held.placements,
      ...Object.fromEntries(
        placements.map((name) => [
          name,
          held.placements?.[name] ?? { provisioner: makePassword(), auditWriter: makePassword() },
        ]),
      ),
    },
  };
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${JSON.stringify(complete, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
  return complete;
}

/** What `ensureRoles` is to set on one placement. */
export function rolePasswordsOf(all: RolePasswordSet, placement: string, isFirst: boolean): RolePasswords {
  const own = all.placements[placement];
  if (own === undefined) throw new Error(`no role passwords for placement ${placement}`);
  const passwords = {
    sentinel_provisioner: own.provisioner,
    sentinel_audit_writer: own.auditWriter,
    sentinel_tenant: null,
    sentinel_control: all.control,
    sentinel_directory: all.directory,
  };
  const names = isFirst ? [...placementRoles, ...controlRoles] : placementRoles;
  return Object.fromEntries(names.map((name) => [name, passwords[name]]));
}
