import { type Permission, type Role, roles } from "../../core/tenancy/roles.ts";

/**
 * The product's role table, written down a second time and by hand, so that a slip in studio's own
 * (workers/studio/rbac/permission-table.ts) is a difference between two tables and not a new truth.
 * One row a permission, one column a role, in the order owner, admin, analyst, viewer, readonly.
 */
const table: Readonly<Record<Permission, string>> = {
  "org:read": "✓ ✓ ✓ ✓ ✓",
  "org:update": "✓ ✓ – – –",
  "org:delete": "✓ – – – –",
  "billing:manage": "✓ – – – –",
  "members:read": "✓ ✓ – – ✓",
  "members:manage": "✓ ✓ – – –",
  "api_keys:manage": "✓ ✓ – – –",
  "identity_providers:manage": "✓ ✓ – – –",
  "policies:read": "✓ ✓ – – ✓",
  "policies:manage": "✓ ✓ – – –",
  "break_glass:manage": "✓ – – – –",
  "encryption:manage": "✓ – – – –",
  "groups:read": "✓ ✓ ✓ ✓ ✓",
  "groups:manage": "✓ ✓ – – –",
  "enrollment:manage": "✓ ✓ – – –",
  "devices:read": "✓ ✓ ✓ ✓ ✓",
  "devices:manage": "✓ ✓ – – –",
  "devices:command": "✓ ✓ – – –",
  "telemetry:read": "✓ ✓ ✓ ✓ ✓",
  "documents:read": "✓ ✓ ✓ ✓ ✓",
  "documents:write": "✓ ✓ ✓ – –",
  "exports:read": "✓ ✓ ✓ – ✓",
  "exports:make": "✓ ✓ ✓ – –",
  "llm:read": "✓ ✓ ✓ ✓ ✓",
  "llm:use": "✓ ✓ ✓ ✓ –",
  "llm:manage": "✓ ✓ – – –",
  "backends:monitor": "✓ ✓ – – –",
  "backends:read": "✓ ✓ ✓ ✓ ✓",
  "backends:write": "✓ ✓ ✓ ✓ –",
  "audit:read": "✓ ✓ – – ✓",
  "audit:manage": "✓ ✓ – – –",
  "audit:explain": "✓ ✓ – – –",
  "audit:erase": "✓ – – – –",
};

/** Whether the product gives a role a permission. */
export function isGranted(role: Role, permission: Permission): boolean {
  return table[permission].split(" ")[roles.indexOf(role)] === "✓";
}
