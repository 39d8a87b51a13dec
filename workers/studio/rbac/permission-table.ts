import type { Permission, Role } from "../../../core/tenancy/roles.ts";

/**
 * Which permissions a role has (docs/permissions.md is made from it). Written out, so that a reader sees each
 * cell and a new permission belongs to nobody until it is placed.
 *
 * Analyst and viewer hold the read permissions of devices, groups, telemetry and documents because their own
 * data is among it; row-level security in the tenant's schema narrows the rows to their own groups, and to what they
 * made or what is shared with them. So it does for the documents that an analyst writes: their own.
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
    "documents:read",
    "documents:write",
    "audit:read",
    "audit:manage",
    "audit:erase",
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
    "documents:read",
    "documents:write",
    "audit:manage",
  ],
  analyst: ["org:read", "groups:read", "devices:read", "telemetry:read", "documents:read", "documents:write"],
  viewer: ["org:read", "groups:read", "devices:read", "telemetry:read", "documents:read"],
  readonly: [
    "org:read",
    "members:read",
    "policies:read",
    "groups:read",
    "devices:read",
    "telemetry:read",
    "audit:read",
    "documents:read",
  ],
};
