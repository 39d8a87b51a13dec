/** The five roles, most powerful first. */
export const roles = ["owner", "admin", "analyst", "viewer", "readonly"] as const;
export type Role = (typeof roles)[number];

/** Parses a role name; null for anything else. */
export function parseRole(text: unknown): Role | null {
  return roles.find((role) => role === text) ?? null;
}

/**
 * What a route may demand. The table that grants them to roles is `workers/studio/rbac/`;
 * the names live here because the route table does.
 */
export const permissions = [
  "org:read",
  "org:update",
  "org:delete",
  "billing:manage",
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
  "exports:read",
  "exports:make",
  "llm:read",
  "llm:use",
  "llm:manage",
  "backends:monitor",
  "backends:read",
  "backends:write",
  "audit:read",
  "audit:manage",
  /** Have a model of the organisation's told what the log says. */
  "audit:explain",
  "audit:erase",
] as const;
export type Permission = (typeof permissions)[number];
