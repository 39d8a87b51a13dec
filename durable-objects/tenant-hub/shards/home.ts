import { type DeviceId, type OrgId, parseId } from "../../../core/ids.ts";

/**
 * Where a device lives when a tenant is split. One object, named by the organisation, is its *directory*:
 * users, members, groups. With more than one shard, devices live in objects of their own,
 * `{org}:shard:{index}`; with one they live in the directory, which is then the whole tenant.
 */

/** Shards of one tenant: 64 of 20,000 sockets are more than a million devices. */
export const shardsMax = 64;

/** The name of a hub object. */
export type HubName = string;

export interface HubAddress {
  readonly org: OrgId;
  /** Null for the directory. */
  readonly index: number | null;
}

/**
 * Parses the setting `HUB_SHARDS`; absent is 1.
 * @throws when it is no whole number from 1 to `shardsMax`
 */
export function parseShardCount(text: string | undefined): number {
  if (text === undefined || text === "") return 1;
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > shardsMax)
    throw new Error(`HUB_SHARDS is a whole number from 1 to ${shardsMax}, not "${text}"`);
  return count;
}

/** The directory's name. */
export function directoryName(org: OrgId): HubName {
  return org;
}

/** Every object that devices live in, by number of shards. */
export function homeNames(org: OrgId, count: number): HubName[] {
  return count === 1 ? [directoryName(org)] : Array.from({ length: count }, (_, index) => shardName(org, index));
}

/** The object that a device lives in. */
export function homeName(org: OrgId, device: DeviceId, count: number): HubName {
  return count === 1 ? directoryName(org) : shardName(org, homeIndex(device, count));
}

function shardName(org: OrgId, index: number): HubName {
  return `${org}:shard:${index}`;
}

/** Reads an object's name; null when it is none of ours. */
export function parseHubName(name: string): HubAddress | null {
  const [orgText, kind, indexText, ...rest] = name.split(":");
  const org = parseId("org", orgText);
  if (org === null || rest.length > 0) return null;
  if (kind === undefined) return { org, index: null };
  const index = indexText !== undefined && /^\d{1,2}$/.test(indexText) ? Number(indexText) : -1;
  return kind === "shard" && index >= 0 && index < shardsMax ? { org, index } : null;
}

/**
 * A device's shard, 0 ≤ index < count, for ever the same for the same id and count. Jump consistent hash
 * (Lamping and Veach, 2014): going from n to m > n shards moves (m − n)/m of the devices and no other,
 * where a remainder would move nearly all.
 */
export function homeIndex(device: DeviceId, count: number): number {
  let key = hash64(device);
  let index = 0;
  let next = 0;
  while (next < count) {
    index = next;
    key = (key * 2862933555777941757n + 1n) & mask64;
    next = Math.floor(((index + 1) * 2 ** 31) / (Number(key >> 33n) + 1));
  }
  return index;
}

const mask64 = (1n << 64n) - 1n;

/** Two rounds of 32-bit FNV-1a: ids of devices that were enrolled together differ in few characters. */
function hash64(text: string): bigint {
  return (BigInt(fnv1a(text, 0x811c9dc5)) << 32n) | BigInt(fnv1a(text, 0x1b873593));
}

function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
