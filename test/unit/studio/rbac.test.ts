import { describe, expect, it } from "vitest";
import { type RouteSpec, routes } from "../../../core/routes.ts";
import { type Permission, permissions, type Role, roles } from "../../../core/tenancy/roles.ts";
import { decide } from "../../../workers/studio/rbac/decide.ts";
import { permissionTable } from "../../../workers/studio/rbac/permission-table.ts";
import { isGranted } from "../../support/role-table.ts";

const cells = permissions.flatMap((permission) =>
  roles.map((role) => [role, permission, isGranted(role, permission) ? "allow" : "deny"] as const),
);

describe("decide", () => {
  it.each(cells)("%s, %s: %s", (role, permission, decision) => {
    expect(decide(role, permission)).toBe(decision);
  });

  it("denies a role and a permission that are not in the table", () => {
    expect(decide("root" as Role, "org:read")).toBe("deny");
    expect(decide("owner", "org:sell" as Permission)).toBe("deny");
    // What every object has is nobody's role.
    for (const inherited of ["constructor", "toString", "__proto__", "hasOwnProperty"])
      expect(decide(inherited as Role, "org:read")).toBe("deny");
  });

  it("lets readonly change nothing", () => {
    const granted = permissions.filter((permission) => decide("readonly", permission) === "allow");
    expect(granted.every((permission) => permission.endsWith(":read"))).toBe(true);
  });
});

describe("the permission table", () => {
  it("knows the five roles, and names each permission of theirs once", () => {
    expect(Object.keys(permissionTable)).toEqual([...roles]);
    for (const granted of Object.values(permissionTable)) expect(new Set(granted).size).toBe(granted.length);
  });

  it("gives nobody what an owner lacks, and no lesser role what an admin lacks", () => {
    for (const role of roles)
      for (const permission of permissionTable[role]) expect(permissionTable.owner).toContain(permission);
    for (const role of ["analyst", "viewer", "readonly"] as const)
      for (const permission of permissionTable[role]) expect(permissionTable.admin).toContain(permission);
  });
});

describe("routes of an organisation", () => {
  const guarded = Object.entries(routes as Record<string, RouteSpec>).flatMap(([name, { method, policy }]) =>
    policy.kind === "permission" ? [[name, method, policy.permission] as const] : [],
  );

  it.each(guarded)("%s (%s) asks for a permission to read exactly when it changes nothing", (...row) => {
    const [name, method, permission] = row;
    // Lists of what only administrators see ask for the permission that manages it.
    const seenByAdministrators = [
      "getAuditStream",
      "listLlmProviders",
      "getLlmKey",
      "listApiKeys",
      "listInvitations",
      "listEnrollmentCodes",
      "listBackups",
      "listExportDestinations",
      "listBackends",
      "listBackupRuns",
    ];
    const managed = [
      ...seenByAdministrators,
      "listIdentityProviders",
      "getIdentityProvider",
      "getEncryption",
      "getBilling",
    ];
    // A way to read what may be read, for a browser.
    const readsByPost = ["createDocumentTicket", "createExportTicket"];
    expect(permission.endsWith(":read")).toBe(
      (method === "GET" && !managed.includes(name)) || readsByPost.includes(name),
    );
  });
});
