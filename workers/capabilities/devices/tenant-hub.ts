import type { DeviceId, GroupId, UserId } from "../../../core/ids.ts";
import type { Caller } from "../../../core/mesh/caller.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { HubControlRpc } from "../../../core/rpc/durable-objects.ts";
import type { TenantScope } from "../../../store/tenant/tenant-scope.ts";
import { accessTokenOf } from "../tenant-connections.ts";

export interface GroupContent {
  readonly devices: readonly DeviceId[];
  readonly members: readonly UserId[];
}

/** The hub of one call's own tenant. There is no way to name another one. */
export interface TenantHubClient {
  putDevice(device: DeviceId, tokenSha256: string): Promise<void>;
  removeDevice(device: DeviceId): Promise<void>;
  putGroup(group: GroupId, content: GroupContent): Promise<void>;
  publishCommand(device: DeviceId, payload: string): Promise<void>;
  presence(devices: readonly DeviceId[]): ReturnType<HubControlRpc["presence"]>;
}

/** Signs every call anew: an assertion is good for one call only. */
export function createTenantHub(
  hub: HubControlRpc,
  caller: Caller,
  call: SignedCall,
  scope: TenantScope,
): TenantHubClient {
  const { actor, org, requestId } = scope;
  const signed = (): Promise<SignedCall> =>
    actor.kind === "job"
      ? caller.asJob("durable-objects.hub-control", actor.job, org, requestId)
      : caller.asUser("durable-objects.hub-control", accessTokenOf(call), requestId);
  return {
    putDevice: async (device, tokenSha256) => hub.putDevice(await signed(), org, device, tokenSha256),
    removeDevice: async (device) => hub.removeDevice(await signed(), org, device),
    putGroup: async (group, content) => hub.putGroup(await signed(), org, group, content),
    publishCommand: async (device, payload) => hub.publishCommand(await signed(), org, device, payload),
    presence: async (devices) => hub.presence(await signed(), org, devices),
  };
}
