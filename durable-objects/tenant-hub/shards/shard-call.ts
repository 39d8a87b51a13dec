import type { DeviceId, OrgId } from "../../../core/ids.ts";
import type { Told } from "../told.ts";
import type { HubName } from "./home.ts";
import type { InterestChange } from "./interest.ts";
import type { RelayRow } from "./relay-store.ts";

/**
 * What one hub object of a tenant asks of another. Nobody but this Worker binds the objects' namespace,
 * so the caller is this code; the receiver checks that the organisation is its own, and that is enough.
 */
export type ShardCall = LinkCall | ToldCall;

/** Shard to directory: what studio has told it of the organisation. */
export interface ToldCall {
  readonly kind: "told";
}

/** What only a tenant of several objects asks. */
export type LinkCall =
  /** Messages: `rows` at least once and in order, `loose` perhaps. `digest`: what a shard knows of the directory's interest. */
  | {
      readonly kind: "relay";
      readonly from: HubName;
      readonly digest: string | null;
      readonly rows: readonly RelayRow[];
      readonly loose: readonly Uint8Array[];
    }
  /** Directory to shard. False: send everything. */
  | { readonly kind: "interest"; readonly change: InterestChange }
  /** Directory to shard: what is retained under these filters, as rows of `relay-codec.ts`, one list a filter. */
  | { readonly kind: "retained"; readonly filters: readonly string[] }
  /** Shard to directory: the history of the setting, see `ShardCounts`. */
  | { readonly kind: "counts" }
  /** New home to old: part `part` of everything about a device; null when it is not there. Repeatable. */
  | { readonly kind: "hand_over"; readonly device: DeviceId; readonly part: number }
  /** New home to old: it is stored here, forget it. */
  | { readonly kind: "handed_over"; readonly device: DeviceId; readonly bundle: string }
  /** Old home to new: come and get it. */
  | { readonly kind: "take"; readonly device: DeviceId }
  /** Directory to every former home: send some of those who live elsewhere now. True while some are left. */
  | { readonly kind: "sweep"; readonly count: number }
  /** Gateway to directory, directory to homes: whose token is this? */
  | { readonly kind: "find_token"; readonly sha256: string };

export interface ShardAnswers {
  readonly relay: null;
  readonly interest: boolean;
  readonly retained: readonly (readonly Uint8Array[])[];
  readonly counts: readonly number[];
  readonly hand_over: HandOverPart | null;
  readonly handed_over: null;
  readonly take: null;
  readonly sweep: boolean;
  readonly told: Told;
  readonly find_token: DeviceId | null;
}

/** `parts` 0: the device was here after the move that you ask about, and was removed since. */
export interface HandOverPart {
  readonly parts: number;
  /** Names this one leaving of the device. */
  readonly bundle: string;
  readonly data: Uint8Array;
}

/** Any of the answers; which one follows from the call. */
export type ShardAnswer = ShardAnswers[ShardCall["kind"]];

/** A hub's stub as hubs use it; spelled out because an RPC stub's own type is deeper than it need be. */
interface HubStub {
  shard(org: OrgId, call: ShardCall): Promise<ShardAnswer>;
}

interface HubNamespace {
  getByName(name: string): unknown;
}

/** How long another object may take, in milliseconds: then it counts as failed, and may have succeeded all the same. */
const callTimeoutMs = 30_000;

/** Calls another hub object of the same tenant. */
export async function callHub<Kind extends ShardCall["kind"]>(
  namespace: HubNamespace,
  org: OrgId,
  name: HubName,
  call: ShardCall & { readonly kind: Kind },
): Promise<ShardAnswers[Kind]> {
  const stub = namespace.getByName(name) as HubStub;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), callTimeoutMs);
  });
  try {
    return (await Promise.race([stub.shard(org, call), timeout])) as ShardAnswers[Kind];
  } finally {
    clearTimeout(timer);
  }
}
