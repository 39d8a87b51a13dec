import { type Role } from "../../../../../core/tenancy/roles.ts";
import type { Member } from "../../api/schemas.ts";
/** Only an owner changes an owner; the server decides it again, and keeps the last owner. */
export declare function mayChange(own: Role, member: Pick<Member, "role">): boolean;
/** Roles one may give: only an owner makes owners. */
export declare function grantable(own: Role): readonly Role[];
