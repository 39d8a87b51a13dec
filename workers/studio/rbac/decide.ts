import type { Permission, Role } from "../../../core/tenancy/roles.ts";
import { permissionTable } from "./permission-table.ts";

export type Decision = "allow" | "deny";

/** The one place where a role meets a permission. Whatever is not in the table is denied. */
export function decide(role: Role, permission: Permission): Decision {
  const granted: readonly Permission[] = Object.hasOwn(permissionTable, role) ? permissionTable[role] : [];
  return granted.includes(permission) ? "allow" : "deny";
}
