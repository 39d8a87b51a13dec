import type { DataKeyId, OrgId } from "../ids.ts";
import {
  type DataKey,
  importDataKey,
  nonceBytes,
  openAt,
  type SealedKind,
  type SealedPlace,
  sealAt,
  sealedUnder,
} from "./data-key.ts";
import { type DataKeySet, type DataKeyStore, dataKeyPurpose, dataKeysMax, type KeeperRecord } from "./data-key-set.ts";
import { assertWrappable, KeyUnavailable, type KeyWrapper, SealedElsewhere, wrappedKeyBytes } from "./key-wrapper.ts";
import { type UnwrappedKey, UnwrappedKeys } from "./unwrapped-keys.ts";

/** Messages that an isolate reserves at a time. What it does not use is lost: 2^30 are a million such blocks. */
export const messagesReservedAtOnce = 1_024;

/** Rounds of looking, making and reserving; each further one means that another isolate made a key just then. */
const roundsMax = 4;

export interface DataKeyRingDependencies {
  /** Speaks to whoever keeps the key-encryption key. */
  readonly keeperOf: (keeper: KeeperRecord) => KeyWrapper;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
  readonly makeKeyId: () => DataKeyId;
}

/** One organisation's keys, as much of them as a request may use. */
export interface OrganisationKeys {
  /** @throws KeyUnavailable, and whatever the store throws */
  seal(place: SealedPlace, plaintext: Uint8Array<ArrayBuffer>): Promise<string>;
  /** @throws KeyUnavailable; SealBroken when it was changed or belongs elsewhere */
  open(place: SealedPlace, text: string): Promise<Uint8Array<ArrayBuffer>>;
  /** For keys of others, such as a backup's: they die with the organisation's data keys. */
  readonly wrapper: KeyWrapper;
}

/**
 * Seals and opens with organisations' data keys. Unwrapped ones are held for this isolate, in memory alone;
 * when one is too old its keeper is asked again, and if that fails nothing else takes its place.
 */
export class DataKeyRing {
  readonly #dependencies: DataKeyRingDependencies;
  readonly #held: UnwrappedKeys;

  constructor(dependencies: DataKeyRingDependencies) {
    this.#dependencies = dependencies;
    this.#held = new UnwrappedKeys(dependencies.now);
  }

  /** @param store the same organisation's, with this request's rights */
  of(org: OrgId, store: DataKeyStore): OrganisationKeys {
    const seal = async (kind: SealedKind, place: SealedPlace, plaintext: Uint8Array<ArrayBuffer>): Promise<string> =>
      sealAt(await this.#sealingKey(org, store), kind, place, plaintext, this.#dependencies.randomBytes(nonceBytes));
    /** Keys that are being fetched for this request: a page of rows asks once for the key they share. */
    const fetching = new Map<DataKeyId, Promise<DataKey>>();
    const openingKey = (kind: SealedKind, text: string): Promise<DataKey> => {
      const id = sealedUnder(kind, text);
      if (id === null) throw new KeyUnavailable("malformed");
      const begun = fetching.get(id);
      if (begun !== undefined) return begun;
      const fetched = this.#openingKey(org, store, id).finally(() => fetching.delete(id));
      fetching.set(id, fetched);
      return fetched;
    };
    const open = async (kind: SealedKind, place: SealedPlace, text: string): Promise<Uint8Array<ArrayBuffer>> =>
      openAt(await openingKey(kind, text), kind, place, text);
    const assertOwn = (given: OrgId): void => {
      if (given !== org) throw new Error("these are the keys of another organisation");
    };
    return {
      seal: (place, plaintext) => seal("rows", place, plaintext),
      open: (place, text) => open("rows", place, text),
      wrapper: {
        async wrap(given, key, purpose) {
          assertOwn(given);
          assertWrappable(key, purpose);
          return seal("keys", { table: "key", row: purpose }, Uint8Array.from(key));
        },
        async unwrap(given, wrapped, purpose) {
          assertOwn(given);
          return open("keys", { table: "key", row: purpose }, wrapped);
        },
      },
    };
  }

  /** Forgets what is held of an organisation, so that its keeper is asked again. */
  forget(org: OrgId): void {
    this.#held.forget(org);
  }

  /** Makes a new key for what is sealed from now on; the others go on opening what they have sealed. */
  async rotate(org: OrgId, store: DataKeyStore): Promise<boolean> {
    const set = await store.read(0);
    if (set.shredded) throw new KeyUnavailable("shredded");
    const added = await this.#addKey(org, store, set);
    this.forget(org);
    return added;
  }

  /** A key that may seal one more message, which is counted. */
  async #sealingKey(org: OrgId, store: DataKeyStore): Promise<DataKey> {
    const ready = takeMessage(this.#held.findCurrent(org));
    if (ready !== null) return ready;
    for (let round = 0; round < roundsMax; round += 1) {
      const set = await store.read(messagesReservedAtOnce);
      if (!set.shredded && (set.current === null || set.reserved === 0)) {
        // None yet, or the one there is has sealed as many messages as it may.
        await this.#addKey(org, store, set);
        continue;
      }
      const unwrapped = await this.#unwrap(org, store, set, set.current);
      // What another request of this isolate has reserved meanwhile counts as used.
      unwrapped.messages = set.reserved;
      this.#held.setCurrent(org, unwrapped.key.id);
      const key = takeMessage(unwrapped);
      if (key !== null) return key;
    }
    throw new Error("the data key kept changing while it was being fetched");
  }

  async #openingKey(org: OrgId, store: DataKeyStore, id: DataKeyId): Promise<DataKey> {
    const held = this.#held.find(org, id);
    return (held ?? (await this.#unwrap(org, store, await store.read(0), id))).key;
  }

  async #unwrap(org: OrgId, store: DataKeyStore, set: DataKeySet, id: DataKeyId | null): Promise<UnwrappedKey> {
    if (set.shredded) {
      this.forget(org);
      throw new KeyUnavailable("shredded");
    }
    const found = set.keys.find((key) => key.id === id);
    if (found === undefined) throw new SealedElsewhere();
    const held = this.#held.find(org, found.id);
    if (held !== null) return held;
    const { keeperOf, now } = this.#dependencies;
    const askedAtMs = now();
    const ask = (): Promise<Uint8Array<ArrayBuffer>> =>
      keeperOf(set.keeper).unwrap(org, found.wrapped, dataKeyPurpose(found.id));
    const bytes = await this.#askKeeper(org, store, ask);
    const unwrapped = { key: await importDataKey(org, found.id, bytes), askedAtMs, messages: 0 };
    bytes.fill(0);
    this.#held.keep(unwrapped);
    return unwrapped;
  }

  async #addKey(org: OrgId, store: DataKeyStore, set: DataKeySet): Promise<boolean> {
    if (set.keys.length >= dataKeysMax) throw new Error("the organisation has as many data keys as it may");
    const { keeperOf, randomBytes, makeKeyId } = this.#dependencies;
    const bytes = randomBytes(wrappedKeyBytes);
    const id = makeKeyId();
    const wrapped = await this.#askKeeper(org, store, () => keeperOf(set.keeper).wrap(org, bytes, dataKeyPurpose(id)));
    bytes.fill(0);
    return store.add(set.version, { id, wrapped });
  }

  /** Asks the keeper, unless it has failed just now. */
  async #askKeeper<T>(org: OrgId, store: DataKeyStore, ask: () => Promise<T>): Promise<T> {
    const failed = this.#held.recentFailure(org);
    if (failed !== null) throw failed;
    try {
      const answer = await ask();
      // Nobody is refused because a note could not be written.
      await store.report("answered").catch(() => undefined);
      return answer;
    } catch (error) {
      if (!(error instanceof KeyUnavailable)) throw error;
      this.#held.keepFailure(org, error);
      await store.report(error.reason).catch(() => undefined);
      throw error;
    }
  }
}

/** No await between the check and the count: two requests never take the same message. */
function takeMessage(unwrapped: UnwrappedKey | null): DataKey | null {
  if (unwrapped === null || unwrapped.messages <= 0) return null;
  unwrapped.messages -= 1;
  return unwrapped.key;
}
