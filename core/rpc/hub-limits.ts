import type { DeviceId, OrgId, UserId } from "../ids.ts";
import type { SignedCall } from "../mesh/claims.ts";
import type { LimitsPolicy } from "../tenancy/limits-policy.ts";

/** For studio: an organisation's own limits, where devices meet them, and how much of them is used. */
export interface HubLimitsRpc {
  /** Replaces them, from the next packet on. An older version than is known does nothing. As `HubGeoRpc.putGeo`. */
  putLimits(call: SignedCall, org: OrgId, limits: LimitsPolicy, version: number): Promise<void>;
  /** What is used at this moment. An owner, an admin or a readonly member. */
  limitsInUse(call: SignedCall, org: OrgId): Promise<LimitsInUse>;
}
/** How much of a bound is used: of what may come at once. More than `limit`: answers wait, or the client is refused. */
export interface Use {
  readonly used: number;
  readonly limit: number;
}
/** Devices and people named in one answer, those that are nearest to a bound of theirs. */
export const heaviestMax = 20;
export interface HeavyClient {
  readonly client: DeviceId | UserId;
  readonly packets: Use;
  readonly bytes: Use;
  readonly connects: Use;
}
export interface LimitsInUse {
  /** Requests of the organisation in the last minute, those included that were counted ahead. */
  readonly requests: Use;
  /** MQTT packets of all of its devices and people. */
  readonly packets: Use;
  readonly sockets: number;
  /** At most {@link heaviestMax}, the one that is nearest to a bound first. */
  readonly heaviest: readonly HeavyClient[];
}
