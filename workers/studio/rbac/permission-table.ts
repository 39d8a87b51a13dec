import type { Permission, Role } from "../../../core/tenancy/roles.ts";

/**
 * Which permissions a role has (docs/permissions.md is made from it). Written out, so that a reader sees each
 * cell and a new permission belongs to nobody until it is placed.
 *
 * Analyst and viewer hold the read permissions of devices, groups and telemetry because their own
 * data is among it; row-level security in the tenant's schema narrows the rows to their own groups.
 */
export const permissionTable: Readonly<Record<Role, readonly Permission[]>> = {
  owner: [
    "org:read",
    "org:update",
    "org:delete",
    "members:read",
    "members:manage",
    "api_keys:manage",
    "identity_providers:manage",
    "policies:read",
    "policies:manage",
    "break_glass:manage",
    "encryption:manage",
    "groups:read",
    "groups:manage",
    "enrollment:manage",
    "devices:read",
    "devices:manage",
    "devices:command",
    "telemetry:read",
    "audit:read",
    "audit:manage",
  ],
  admin: [
    "org:read",
    "org:update",
    "members:read",
    "members:manage",
    "api_keys:manage",
    "identity_providers:manage",
    "policies:read",
    "policies:manage",
    "groups:read",
    "groups:manage",
    "enrollment:manage",
    "devices:read",
    "devices:manage",
    "devices:command",
    "telemetry:read",
    "audit:read",
    "audit:manage",
  ],
  analyst: ["org:read", "groups:read", "devices:read", "telemetry:read"],
  viewer: ["org:read", "groups:read", "devices:read", "telemetry:read"],
  readonly: [
    "org:read",
    "members:read",
    "policies:read",
    "groups:read",
    "devices:read",
    "telemetry:read",
    "audit:read",
  ],
};
