import type { AuditFields } from "../../../../core/audit/events.ts";
import type { UserId } from "../../../../core/ids.ts";
import type { Role } from "../../../../core/tenancy/roles.ts";

/** The event of a changed role; none when it stayed what it was. */
export function roleChange(admin: UserId, target: UserId, oldRole: Role | null, newRole: Role | null): AuditFields[] {
  if (oldRole === newRole) return [];
  return [{ type: "role_change", admin_id: admin, target_user_id: target, old_role: oldRole, new_role: newRole }];
}

/** The event of a member who was shut out or let in again; none when it stayed as it was. */
export function accountChange(admin: UserId, target: UserId, before: boolean, after: boolean): AuditFields[] {
  if (before === after) return [];
  const action = after ? "disabled" : "enabled";
  return [{ type: "account_change", admin_id: admin, target_user_id: target, action }];
}
