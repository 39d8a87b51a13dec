import { KeyUnavailable } from "../../../core/crypto/key-wrapper.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { DevicesRpc, Result } from "../../../core/rpc/capabilities.ts";
import { admit, type DevicesDependencies } from "./admission.ts";
import { listCommands, sendCommand } from "./commands.ts";
import { enroll } from "./enrollment.ts";
import { createEnrollmentCode, listEnrollmentCodes, openRollout, revokeEnrollmentCode } from "./enrollment-codes.ts";
import {
  createGroup,
  getGroup,
  listGroups,
  removeGroup,
  removeUser,
  renameGroup,
  setGroupDevice,
  setGroupMember,
} from "./groups.ts";
import type { Handler } from "./handler.ts";
import { getDevice, listDevices, removeDevice, renameDevice, rotateToken } from "./inventory.ts";
import { refused } from "./result.ts";
import { telemetry } from "./telemetry.ts";
import { usage } from "./usage.ts";

/** What each method does once its call is admitted. None runs otherwise. */
const handlers: { readonly [Method in keyof DevicesRpc]: Handler<DevicesRpc[Method]> } = {
  createEnrollmentCode,
  listEnrollmentCodes,
  revokeEnrollmentCode,
  openRollout,
  enroll,
  listDevices,
  getDevice,
  renameDevice,
  removeDevice,
  rotateToken,
  sendCommand,
  listCommands,
  telemetry,
  usage,
  createGroup,
  listGroups,
  getGroup,
  renameGroup,
  removeGroup,
  setGroupDevice,
  setGroupMember,
  removeUser,
};

export const deviceMethods = Object.keys(handlers) as (keyof DevicesRpc)[];

/** The capability: every method is admission, then its handler. */
export function createDevices(dependencies: DevicesDependencies): DevicesRpc {
  const methods = deviceMethods.map((method) => {
    // Each handler takes its own arguments; the mapped type above has checked every pair.
    const handler = handlers[method] as (context: unknown, ...rest: unknown[]) => Promise<Result<unknown>>;
    const guarded = async (call: SignedCall, ...rest: unknown[]): Promise<Result<unknown>> => {
      const context = await admit(dependencies, method, call);
      if (context === null) return refused("forbidden");
      try {
        return await handler(context, ...rest);
      } catch (error) {
        // Sealed, and the key can't be had: an answer, and never one that is half in clear.
        if (error instanceof KeyUnavailable) return refused("key_unavailable");
        throw error;
      }
    };
    return [method, guarded] as const;
  });
  return Object.fromEntries(methods) as unknown as DevicesRpc;
}
