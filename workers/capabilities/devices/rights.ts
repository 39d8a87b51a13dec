import type { Job } from "../../../core/mesh/workloads.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { Actor } from "../../../store/tenant/tenant-scope.ts";

/** Who may call a method: these roles, or these jobs. */
export interface MethodRight {
  readonly roles: readonly Role[];
  readonly jobs: readonly Job[];
  /** Each call makes something new: the same call twice would make two. */
  readonly once: boolean;
}

/** Reads are open to every role: row-level security chooses the rows. */
const everyRole: MethodRight = { roles: ["owner", "admin", "analyst", "viewer", "readonly"], jobs: [], once: false };
const managers: MethodRight = { roles: ["owner", "admin"], jobs: [], once: false };
const makers: MethodRight = { ...managers, once: true };

/**
 * The second of three locks on a write: studio has decided before, and row-level security decides
 * after. It is a table of its own on purpose, so that a mistake in one is not a mistake in all.
 */
export const methodRights: Readonly<Record<keyof DevicesRpc, MethodRight>> = {
  createEnrollmentCode: makers,
  listEnrollmentCodes: managers,
  revokeEnrollmentCode: managers,
  openRollout: managers,
  enroll: { roles: [], jobs: ["enroll"], once: true },

  listDevices: everyRole,
  getDevice: everyRole,
  renameDevice: managers,
  removeDevice: managers,
  rotateToken: makers,

  sendCommand: makers,
  listCommands: everyRole,
  telemetry: everyRole,
  usage: everyRole,

  createGroup: makers,
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
