import { describe, expect, it } from "vitest";
import { type Permission, permissions, type Role, roles } from "../../../core/tenancy/roles.ts";
import { decide } from "../../../workers/studio/rbac/decide.ts";

/** ARCHITECTURE.md, Roles: one row a permission, one column a role, in the order owner, admin, analyst, viewer, readonly. */
const table: Record<Permission, string> = {
  "org:read": "✓ ✓ ✓ ✓ ✓",
  "org:update": "✓ ✓ – – –",
  "org:delete": "✓ – – – –",
  "members:read": "✓ ✓ – – ✓",
  "members:manage": "✓ ✓ – – –",
  "api_keys:manage": "✓ ✓ – – –",
  "identity_providers:manage": "✓ ✓ – – –",
  "policies:read": "✓ ✓ – – ✓",
  "policies:manage": "✓ ✓ – – –",
  "groups:read": "✓ ✓ ✓ ✓ ✓",
  "groups:manage": "✓ ✓ – – –",
  "enrollment:manage": "✓ ✓ – – –",
  "devices:read": "✓ ✓ ✓ ✓ ✓",
  "devices:manage": "✓ ✓ – – –",
  "devices:command": "✓ ✓ – – –",
  "telemetry:read": "✓ ✓ ✓ ✓ ✓",
  "audit:read": "✓ ✓ – – ✓",
};
const cells = permissions.flatMap((permission) =>
  table[permission]
    .split(" ")
    .map((mark, column) => [roles[column] as Role, permission, mark === "✓" ? "allow" : "deny"] as const),
);

describe("decide", () => {
  it("knows every role and permission", () => {
    expect(cells).toHaveLength(roles.length * permissions.length);
  });

  it.each(cells)("%s, %s: %s", (role, permission, decision) => {
    expect(decide(role, permission)).toBe(decision);
  });

  it("denies a role and a permission that are not in the table", () => {
    expect(decide("root" as Role, "org:read")).toBe("deny");
    expect(decide("owner", "org:sell" as Permission)).toBe("deny");
  });

  it("lets readonly change nothing", () => {
    const granted = permissions.filter((permission) => decide("readonly", permission) === "allow");
    expect(granted.every((permission) => permission.endsWith(":read"))).toBe(true);
  });
});
