import type { DataKeyId, OrgId } from "../ids.ts";
import type { DataKey } from "./data-key.ts";
import type { KeyUnavailable } from "./key-wrapper.ts";

/**
 * How long a key that was unwrapped may be used, in milliseconds, from when its keeper was asked. A withdrawn
 * key has to be worthless within fifteen minutes; the other five are the keeper's, until it refuses itself
 * (AWS KMS: a disabled key may go on for some minutes).
 */
export const unwrappedMsMax = 10 * 60_000;

/** After a failure the keeper is left alone for so long, in milliseconds: nobody's requests make us flood it. */
export const keeperPauseMs = 5_000;

/** Unwrapped keys that one isolate holds; each is two handles of some hundred bytes. The oldest goes first. */
export const unwrappedKeysMax = 1_024;

export interface UnwrappedKey {
  readonly key: DataKey;
  /** When the keeper was asked, Unix milliseconds. */
  readonly askedAtMs: number;
  /** Messages left of those that were reserved. Written only by the ring. */
  messages: number;
}

/** What one isolate remembers of unwrapped keys and of keepers that failed; bounded in number and time. */
export class UnwrappedKeys {
  readonly #now: () => number;
  /** By organisation and key, in order of age. */
  readonly #keys = new Map<string, UnwrappedKey>();
  /** Which key seals. Invariant: it was the current one when it was unwrapped. */
  readonly #current = new Map<OrgId, DataKeyId>();
  readonly #failures = new Map<OrgId, { readonly error: KeyUnavailable; readonly atMs: number }>();

  /** @param now Unix milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A key that is still fresh, or null. */
  find(org: OrgId, id: DataKeyId): UnwrappedKey | null {
    const found = this.#keys.get(nameOf(org, id));
    if (found === undefined) return null;
    const ageMs = this.#now() - found.askedAtMs;
    // A clock that was set back makes no key live longer.
    if (ageMs >= 0 && ageMs < unwrappedMsMax) return found;
    this.#keys.delete(nameOf(org, id));
    return null;
  }

  /** The fresh key that seals, or null. */
  findCurrent(org: OrgId): UnwrappedKey | null {
    const id = this.#current.get(org);
    return id === undefined ? null : this.find(org, id);
  }

  keep(unwrapped: UnwrappedKey): void {
    const { org, id } = unwrapped.key;
    putLast(this.#keys, nameOf(org, id), unwrapped);
  }

  setCurrent(org: OrgId, id: DataKeyId): void {
    putLast(this.#current, org, id);
  }

  /** The failure for which this organisation's keeper is left alone at the moment, or null. */
  recentFailure(org: OrgId): KeyUnavailable | null {
    const failure = this.#failures.get(org);
    return failure !== undefined && Math.abs(this.#now() - failure.atMs) < keeperPauseMs ? failure.error : null;
  }

  keepFailure(org: OrgId, error: KeyUnavailable): void {
    putLast(this.#failures, org, { error, atMs: this.#now() });
  }

  forget(org: OrgId): void {
    for (const [name, { key }] of this.#keys) if (key.org === org) this.#keys.delete(name);
    this.#current.delete(org);
    this.#failures.delete(org);
  }
}

const nameOf = (org: OrgId, id: DataKeyId): string => `${org} ${id}`;

function putLast<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= unwrappedKeysMax) break;
    map.delete(oldest);
  }
}
