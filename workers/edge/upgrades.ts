import type { OrgId } from "../../core/ids.ts";

/**
 * Upgrades of one organisation that an isolate works on at once. All of them share one thread, so each takes as long
 * as all: 512 take a second on a core of one's own, and ten with a tenth of a core, which is a third of what a client
 * waits for (30 s). With 5,000 at once on a tenth nobody was answered before he had given up, and tried again behind
 * those that had (docs/soak.md).
 */
export const upgradesAtOnceMax = 512;
/** … and of all organisations: some 50 KiB each, so 100 MiB at worst. */
export const upgradesOfAllMax = 2048;
/** A place that nobody gave back by then is free, in milliseconds: twice what the platform lets work go on for. */
const placeMsMax = 60_000;
/** The longest a client is asked to stay away, in seconds: 5,000 come back over it at 330 a second. */
const retryAfterSecondsMax = 15;

/** Who is on the way to a hub. */
export interface Upgrades {
  /**
   * Takes a place.
   * @param nowMs Unix milliseconds
   * @returns gives the place back, once; null: there is none
   */
  take(org: OrgId, nowMs: number): (() => void) | null;
}

export function createUpgrades(): Upgrades {
  /** When each place was taken, oldest first. Written by `take` and by what it returns. Invariant: `total` entries. */
  const taken = new Map<OrgId, Map<object, number>>();
  let total = 0;

  const giveBack = (org: OrgId, place: object): void => {
    const places = taken.get(org);
    if (places?.delete(place) !== true) return;
    total -= 1;
    if (places.size === 0) taken.delete(org);
  };
  const expire = (org: OrgId, nowMs: number): void => {
    for (const [place, sinceMs] of taken.get(org) ?? []) {
      if (nowMs - sinceMs < placeMsMax) return;
      giveBack(org, place);
    }
  };

  return {
    take(org, nowMs) {
      expire(org, nowMs);
      if (total >= upgradesOfAllMax) for (const other of [...taken.keys()]) expire(other, nowMs);
      const places = taken.get(org) ?? new Map<object, number>();
      if (places.size >= upgradesAtOnceMax || total >= upgradesOfAllMax) return null;
      const place = {};
      places.set(place, nowMs);
      taken.set(org, places);
      total += 1;
      return () => giveBack(org, place);
    },
  };
}

/** When somebody who found no place may come again, in seconds. @param random 0 ≤ random < 1 */
export function retryAfterSeconds(random: number): number {
  return 1 + Math.floor(random * retryAfterSecondsMax);
}
