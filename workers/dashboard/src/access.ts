import type { Permission, Role } from "../../../core/tenancy/roles.ts";

const everyRead = [
  "org:read",
  "members:read",
  "policies:read",
  "groups:read",
  "devices:read",
  "telemetry:read",
  "documents:read",
  "audit:read",
  "exports:read",
  "llm:read",
] as const;
const ofGroups = [
  "org:read",
  "groups:read",
  "devices:read",
  "telemetry:read",
  "documents:read",
  "llm:read",
  "llm:use",
] as const;
const manage = [
  ...everyRead,
  "org:update",
  "exports:make",
  "members:manage",
  "api_keys:manage",
  "identity_providers:manage",
  "policies:manage",
  "groups:manage",
  "enrollment:manage",
  "devices:manage",
  "devices:command",
  "documents:write",
  "audit:manage",
  "audit:explain",
  "llm:use",
  "llm:manage",
  "backends:monitor",
] as const;

/**
 * What to offer whom. It only spares people buttons that would be refused: the server decides each
 * call by its own table.
 */
const offered: Readonly<Record<Role, readonly Permission[]>> = {
  owner: [...manage, "audit:erase", "encryption:manage", "billing:manage"],
  admin: manage,
  analyst: [...ofGroups, "documents:write", "exports:read", "exports:make"],
  viewer: ofGroups,
  readonly: everyRead,
};

export function may(role: Role, permission: Permission): boolean {
  return offered[role].includes(permission);
}

/** Roles that may subscribe to all of the organisation's devices at once; the others name each one. */
export function seesEveryDevice(role: Role): boolean {
  return role === "owner" || role === "admin" || role === "readonly";
}

export const roleNames: Readonly<Record<Role, { readonly label: string; readonly meaning: string }>> = {
  owner: { label: "Owner", meaning: "Everything, other owners included" },
  admin: { label: "Admin", meaning: "Manages devices, members and settings" },
  analyst: { label: "Analyst", meaning: "Sees the devices of their groups; keeps documents of their own" },
  viewer: { label: "Viewer", meaning: "Sees the devices of their groups, and documents shared with them" },
  readonly: { label: "Read-only", meaning: "Sees everything, changes nothing" },
};
