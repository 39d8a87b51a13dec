import { type Role, roles } from "../../../../../core/tenancy/roles.ts";
import type { Member } from "../../api/schemas.ts";

/** Only an owner changes an owner; the server decides it again, and keeps the last owner. */
export function mayChange(own: Role, member: Pick<Member, "role">): boolean {
  return own === "owner" || (own === "admin" && member.role !== "owner");
}

/** Roles one may give: only an owner makes owners. */
export function grantable(own: Role): readonly Role[] {
  return own === "owner" ? roles : roles.filter((role) => role !== "owner");
}
