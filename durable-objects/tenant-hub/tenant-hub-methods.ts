import type { DeviceId, GroupId, OrgId, UserId } from "../../core/ids.ts";
import type { HubStanding, RefusedDevices } from "../../core/rpc/durable-objects.ts";
import type { HubRange } from "../../core/rpc/hub-backup.ts";
import type { LimitsInUse } from "../../core/rpc/hub-limits.ts";
import type { GeoPolicy } from "../../core/tenancy/geo-policy.ts";
import type { LimitsPolicy } from "../../core/tenancy/limits-policy.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import type { ApiKey } from "./broker/state.ts";
import type { ShardAnswer, ShardCall } from "./shards/shard-call.ts";
import type { ToldLimits } from "./told.ts";

export interface PresenceEntry {
  readonly device: DeviceId;
  readonly online: boolean;
  /** RFC 3339 UTC. */
  readonly since: string;
}

/**
 * What HubControl may ask of a hub, after it has verified the call. All are idempotent, and what they
 * change is durable and their sockets are closed when they return.
 */
export interface TenantHubMethods {
  putDevice(org: OrgId, device: DeviceId, tokenSha256: string): void | Promise<void>;
  removeDevice(org: OrgId, device: DeviceId): void | Promise<void>;
  putMember(org: OrgId, user: UserId, role: Role | null): void;
  /** Does nothing for who is no member. */
  putKey(org: OrgId, user: UserId, key: ApiKey): void;
  /**
   * @param leaving the one user who may do nothing but leave this group; null for a caller who manages groups
   * @returns false when `leaving` would have changed anything else
   */
  putGroup(
    org: OrgId,
    group: GroupId,
    content: { readonly devices: readonly DeviceId[]; readonly members: readonly UserId[] },
    leaving: UserId | null,
  ): boolean;
  /** @param user who asks for himself; null for a caller with authority over everybody's sessions */
  endSessions(org: OrgId, sids: readonly string[], user: UserId | null): void;
  /** @returns false when the device is unknown here or the payload too large */
  publishCommand(org: OrgId, device: DeviceId, payload: string): boolean | Promise<boolean>;
  presence(org: OrgId, devices: readonly DeviceId[]): PresenceEntry[] | Promise<PresenceEntry[]>;
  putGeo(org: OrgId, policy: GeoPolicy, version: number): void;
  geoRefused(org: OrgId, before: GeoPolicy, after: GeoPolicy): RefusedDevices;
  putLimits(org: OrgId, told: ToldLimits): void;
  limitsTold(org: OrgId): LimitsPolicy;
  limitsInUse(org: OrgId): Omit<LimitsInUse, "requests">;
  /** Records taken on a day. @param day days since 1970 (UTC) */
  recordsOf(org: OrgId, day: number): number;
  setStanding(org: OrgId, standing: HubStanding): void;
  erase(org: OrgId): Promise<void>;
  /** Copies the tables as they are now (export.ts). @returns how many pages the copy has */
  beginExport(org: OrgId, which: string): number;
  readExport(org: OrgId, which: string, page: number): Uint8Array<ArrayBuffer> | null;
  endExport(org: OrgId, which: string): void;
  /** Agrees with what Postgres says of a range of devices or groups. */
  reconcile(org: OrgId, range: HubRange): void;
  /** For the tenant's other hub objects alone. */
  shard(org: OrgId, call: ShardCall): Promise<ShardAnswer>;
}
