import type { OrganisationKeys } from "../../../core/crypto/data-key-ring.ts";
import type { EnrollmentCodeId } from "../../../core/ids.ts";
import { rateLimitMax } from "../../../core/limits.ts";
import type { Caller } from "../../../core/mesh/caller.ts";
import type { SignedCall, VerifiedCall } from "../../../core/mesh/claims.ts";
import type { MeshKeys } from "../../../core/mesh/keys.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import type { EnrollmentLimitsRpc, HubControlRpc, RateDecision } from "../../../core/rpc/durable-objects.ts";
import {
  type ConnectionSource,
  openTenantDatabase,
  type TenantDatabase,
} from "../../../store/tenant/tenant-database.ts";
import { type TenantScope, tenantScope } from "../../../store/tenant/tenant-scope.ts";
import { mayCall, methodRights } from "./rights.ts";
import { createTenantHub, type TenantHubClient } from "./tenant-hub.ts";

export interface DevicesDependencies {
  readonly keys: MeshKeys;
  readonly caller: Caller;
  /** For one verified call, the source of its database connection. */
  readonly connections: (call: SignedCall) => ConnectionSource;
  /** For one verified call, its organisation's data keys. */
  readonly dataKeys: (call: SignedCall, verified: VerifiedCall) => OrganisationKeys;
  readonly hub: HubControlRpc;
  readonly limits: EnrollmentLimitsRpc;
  /** Multiplies how many devices a minute enrol with one code; plain configuration for load tests. */
  readonly limitScale: number;
  /** As in `createDatabase`. */
  readonly gateway: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Fills an array with random bytes. */
  readonly random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;
}

/** What an admitted call may use. Everything in it is bound to that call's tenant and actor. */
export interface CallContext {
  readonly scope: TenantScope;
  readonly database: TenantDatabase;
  /** Seals what is stored and opens it again. @throws KeyUnavailable */
  readonly dataKeys: OrganisationKeys;
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
  const { keys, caller, connections, hub, limits, limitScale, gateway, now, random } = dependencies;
  const { roles, jobs, once } = methodRights[method];
  const expect = { audience: "capabilities.devices", users: roles.length > 0, jobs, once } as const;
  const verified = await verifyCall(call, expect, keys, now());
  const scope = tenantScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  if (!mayCall(method, scope.actor)) return null;
  return {
    scope,
    database: openTenantDatabase(scope, connections(call), gateway),
    dataKeys: dependencies.dataKeys(call, verified),
    hub: createTenantHub(hub, caller, call, scope),
    countEnrollment: (code, perMinute) => limits.consume(code, Math.min(rateLimitMax, perMinute * limitScale)),
    now,
    random,
  };
}
