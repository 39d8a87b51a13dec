import type { Permission, Role } from "../../../core/tenancy/roles.ts";
export declare function may(role: Role, permission: Permission): boolean;
/** Roles that may subscribe to all of the organisation's devices at once; the others name each one. */
export declare function seesEveryDevice(role: Role): boolean;
export declare const roleNames: Readonly<Record<Role, {
    readonly label: string;
    readonly meaning: string;
}>>;
