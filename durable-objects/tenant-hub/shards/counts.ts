import type { DeviceId, OrgId } from "../../../core/ids.ts";
import { type HubName, homeName, homeNames, shardsMax } from "./home.ts";

/**
 * The numbers of shards that a tenant has had and that devices may still live under, the present one
 * last and each once. One number: everybody is at home.
 */
export type ShardCounts = readonly number[];

/** Parses what `formatCounts` wrote; null when there is nothing, or nothing that makes sense. */
export function parseCounts(text: string | null): ShardCounts | null {
  if (text === null) return null;
  const counts = text.split(",").map(Number);
  return counts.every((count) => Number.isInteger(count) && count >= 1 && count <= shardsMax) ? counts : null;
}

export function formatCounts(counts: ShardCounts): string {
  return counts.join(",");
}

/** The history once the setting says `count`. */
export function countsAfter(before: ShardCounts, count: number): ShardCounts {
  return [...before.filter((earlier) => earlier !== count), count];
}

/** The objects that may hold devices which belong elsewhere now, the latest first. */
export function formerHomes(org: OrgId, counts: ShardCounts): HubName[] {
  return [
    ...new Set(
      counts
        .slice(0, -1)
        .reverse()
        .flatMap((count) => homeNames(org, count)),
    ),
  ];
}

/** The objects that this one device may have lived in before, the latest first. */
export function formerHomesOf(org: OrgId, device: DeviceId, counts: ShardCounts): HubName[] {
  const earlier = counts.slice(0, -1).reverse();
  return [...new Set(earlier.map((count) => homeName(org, device, count)))];
}

/** Every object that devices may live in. */
export function allHomes(org: OrgId, counts: ShardCounts): HubName[] {
  return [...new Set(counts.flatMap((count) => homeNames(org, count)))];
}
