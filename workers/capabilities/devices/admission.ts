import type { EnrollmentCodeId } from "../../../core/ids.ts";
import { rateLimitMax } from "../../../core/limits.ts";
import type { Caller } from "../../../core/mesh/caller.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import type { EnrollmentLimitsRpc, HubControlRpc, RateDecision } from "../../../core/rpc/durable-objects.ts";
import { admitTenantCall, type TenantCall, type TenantCallDependencies } from "../tenant-call.ts";
import { mayCall, methodRights } from "./rights.ts";
import { createTenantHub, type TenantHubClient } from "./tenant-hub.ts";

export interface DevicesDependencies extends TenantCallDependencies {
  readonly caller: Caller;
  readonly hub: HubControlRpc;
  readonly limits: EnrollmentLimitsRpc;
  /** Multiplies how many devices a minute enrol with one code; plain configuration for load tests. */
  readonly limitScale: number;
  /** Fills an array with random bytes. */
  readonly random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;
}

/** What an admitted call may use. Everything in it is bound to that call's tenant and actor. */
export interface CallContext extends TenantCall {
  readonly hub: TenantHubClient;
  /** Counts a device that enrols with a code. @param perMinute as the code allows it, before the scale */
  readonly countEnrollment: (code: EnrollmentCodeId, perMinute: number) => Promise<RateDecision>;
  readonly now: () => number;
  readonly random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;
}

/**
 * Verifies a call for one method, before any side effect.
 * @returns null when the call is genuine and its role may not do this
 * @throws CallRefused when it is not genuine, or not for this entrypoint, or a job that is not this method's
 */
export async function admit(
  dependencies: DevicesDependencies,
  method: keyof DevicesRpc,
  call: SignedCall,
): Promise<CallContext | null> {
  const { caller, hub, limits, limitScale, now, random } = dependencies;
  const { roles, jobs, once } = methodRights[method];
  const expect = { audience: "capabilities.devices", users: roles.length > 0, jobs, once } as const;
  const admitted = await admitTenantCall(dependencies, expect, (actor) => mayCall(method, actor), call);
  if (admitted === null) return null;
  return {
    ...admitted,
    hub: createTenantHub(hub, caller, call, admitted.scope),
    countEnrollment: (code, perMinute) => limits.consume(code, Math.min(rateLimitMax, perMinute * limitScale)),
    now,
    random,
  };
}
