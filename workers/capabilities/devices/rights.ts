import type { Job } from "../../../core/mesh/workloads.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { Actor } from "../../../store/tenant/tenant-scope.ts";

/** Who may call a method: these roles, or these jobs. */
export interface MethodRight {
  readonly roles: readonly Role[];
  readonly jobs: readonly Job[];
}

/** Reads are open to every role: row-level security chooses the rows. */
const everyRole: MethodRight = { roles: ["owner", "admin", "analyst", "viewer", "readonly"], jobs: [] };
const managers: MethodRight = { roles: ["owner", "admin"], jobs: [] };

/**
 * The second of three locks on a write: studio has decided before, and row-level security decides
 * after. It is a table of its own on purpose, so that a mistake in one is not a mistake in all.
 */
export const methodRights: Readonly<Record<keyof DevicesRpc, MethodRight>> = {
  createEnrollmentCode: managers,
  listEnrollmentCodes: managers,
  revokeEnrollmentCode: managers,
  enroll: { roles: [], jobs: ["enroll"] },

  listDevices: everyRole,
  getDevice: everyRole,
  renameDevice: managers,
  removeDevice: managers,
  rotateToken: managers,

  sendCommand: managers,
  listCommands: everyRole,
  telemetry: everyRole,

  createGroup: managers,
  listGroups: everyRole,
  getGroup: everyRole,
  renameGroup: managers,
  removeGroup: managers,
  setGroupDevice: managers,
  setGroupMember: managers,
  removeUser: managers,
};

/** True when the table lets this actor call this method. */
export function mayCall(method: keyof DevicesRpc, actor: Actor): boolean {
  const right = methodRights[method];
  return actor.kind === "user" ? right.roles.includes(actor.role) : right.jobs.includes(actor.job);
}
