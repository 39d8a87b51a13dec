import { describe, expect, it } from "vitest";
import { roles } from "../../../core/tenancy/roles.ts";
import { may, seesEveryDevice } from "../../../workers/dashboard/src/access.ts";
import { codeState } from "../../../workers/dashboard/src/pages/enroll/code-state.ts";
import { grantable, mayChange } from "../../../workers/dashboard/src/pages/members/may-change.ts";
import { permissionTable } from "../../../workers/studio/rbac/permission-table.ts";

describe("what is offered to whom", () => {
  it.each(roles)("offers the %s nothing that the server would refuse", (role) => {
    const used = [
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
      "documents:read",
      "documents:write",
      "audit:read",
      "audit:manage",
      "audit:erase",
      "audit:explain",
      "billing:manage",
      "llm:read",
      "llm:use",
      "llm:manage",
      "backends:monitor",
    ] as const;
    for (const permission of used) {
      expect([permission, may(role, permission)]).toEqual([permission, permissionTable[role].includes(permission)]);
    }
  });

  it("lets only those subscribe to all devices whom the broker lets", () => {
    expect(roles.filter(seesEveryDevice)).toEqual(["owner", "admin", "readonly"]);
  });

  it("leaves owners to owners", () => {
    expect(mayChange("admin", { role: "owner" })).toBe(false);
    expect(mayChange("owner", { role: "owner" })).toBe(true);
    expect(mayChange("viewer", { role: "viewer" })).toBe(false);
    expect(grantable("admin")).not.toContain("owner");
    expect(grantable("owner")).toContain("owner");
  });
});

describe("the state of an enrolment code", () => {
  const code = {
    id: "enc_1",
    name: "Lab",
    max_uses: 2,
    uses: 0,
    created_at: "",
    revoked_at: null,
    rollout: null,
    expires_at: "1970-01-01T00:00:01Z",
  };

  it("is usable until its last millisecond, its last use or its revocation", () => {
    expect(codeState(code, 999)).toBe("usable");
    expect(codeState(code, 1000)).toBe("expired");
    expect(codeState({ ...code, uses: 2 }, 0)).toBe("used_up");
    expect(codeState({ ...code, revoked_at: "1970-01-01T00:00:00Z" }, 0)).toBe("revoked");
  });
});
