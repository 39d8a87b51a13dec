/** What a backup takes from a tenant's hub, and what a restore tells it. For studio alone (job `backup`). */
import type { DeviceId, GroupId, OrgId, UserId } from "../ids.ts";
import type { SignedCall } from "../mesh/claims.ts";

/** One page of an export: under what one stored value of an object may hold, and one RPC answer. */
export const hubPageBytes = 1024 * 1024;

export interface HubExportObject {
  /** Of the hub object: the organisation's id, or one of its shards. */
  readonly object: string;
  readonly pages: number;
}
export interface HubExport {
  /** Names this export in each object; a later one of the same object ends it. */
  readonly export: string;
  readonly objects: readonly HubExportObject[];
}

/**
 * What Postgres says now of everything whose id is after `after` (null: from the first) and up to `until` (null: to
 * the last): what the hub knows beyond it is forgotten.
 */
export type HubRange =
  | {
      readonly kind: "devices";
      readonly after: DeviceId | null;
      readonly until: DeviceId | null;
      readonly devices: readonly { readonly device: DeviceId; readonly tokenSha256: string }[];
    }
  | {
      readonly kind: "groups";
      readonly after: GroupId | null;
      readonly until: GroupId | null;
      readonly groups: readonly {
        readonly group: GroupId;
        readonly devices: readonly DeviceId[];
        readonly members: readonly UserId[];
      }[];
    };

/** Devices or groups of one range: their answer fits the body of one request. */
export const hubRangeItemsMax = 250;

export interface HubBackupRpc {
  /**
   * Copies the tables of every hub object, each as of one moment of its own.
   * @throws when one holds more than it copies at once
   */
  beginExport(call: SignedCall, org: OrgId): Promise<HubExport>;
  /**
   * Pages of one object, one after the other, are lines of JSON: `["table", {column: value}]`, bytes as
   * `{"base64": …}`. A page may end inside of a line.
   * @returns null when that export is not there any more
   */
  readExport(call: SignedCall, org: OrgId, page: HubPage): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Forgets the copies. */
  endExport(call: SignedCall, org: OrgId, which: string): Promise<void>;
  /** Makes the hub agree with a range; sockets of devices that are forgotten or have another token are closed. */
  reconcile(call: SignedCall, org: OrgId, range: HubRange): Promise<void>;
}
export interface HubPage {
  readonly export: string;
  readonly object: string;
  /** From 0. */
  readonly page: number;
}
