import { type CaseName, caseNames } from "./cases.ts";

/**
 * `bare`, `object` and `batching` relay and are no brokers: what the load generator can do at most, and what the
 * runtime that Sentinel stands on can, frame by frame and with a millisecond's packets in one frame; `object-near` and
 * `object-far`, with fewer and with more Workers before the object than Sentinel's hub has.
 */
export const peerNames = ["mosquitto", "aedes", "bare", "object", "batching", "object-near", "object-far"] as const;
const peersDefault: readonly PeerName[] = ["mosquitto", "aedes"];
export type PeerName = (typeof peerNames)[number];

export interface BrokerOptions {
  readonly rounds: number;
  /** How long each case is measured in each round. */
  readonly seconds: number;
  readonly cases: readonly CaseName[];
  readonly peers: readonly PeerName[];
  /** Numbers of hub shards to measure, one after another; empty: as the stack starts by itself. */
  readonly shards: readonly number[];
  /** Where the figures are written for machines, or null. */
  readonly json: string | null;
}

export interface BrokerFlags {
  readonly "only-case"?: string | undefined;
  readonly seconds?: string | undefined;
  readonly peers?: string | undefined;
  readonly shards?: string | undefined;
  readonly json?: string | undefined;
}

export const brokerHelp = `
  of broker:
  --only-case LIST   some of ${caseNames.join(", ")}
  --seconds S        how long each case is measured in a round (default 2)
  --peers LIST       some of ${peerNames.join(", ")}, or none (default ${peersDefault.join(",")}, where
                     installed); bare is a mere relay, which shows what the load generator can do,
                     object one in workerd, which shows what the runtime can, batching the same with
                     a millisecond's packets for a socket in one frame; object-near and object-far
                     have one Worker less and two more in the way: with the cases connects and memory
                     they show what each Worker on the way costs
  --shards LIST      numbers of hub shards to measure, such as 1,2,4
  --json FILE        write the figures of every round, too
`;

/** @throws Error that names the flag and what it takes */
export function parseBrokerOptions(flags: BrokerFlags, rounds: number): BrokerOptions {
  return {
    rounds,
    seconds: numberOf("--seconds", flags.seconds ?? "2", 0.2, 600),
    cases: namesOf("--only-case", flags["only-case"], caseNames),
    peers: peersOf(flags.peers),
    shards: flags.shards === undefined ? [] : flags.shards.split(",").map((text) => numberOf("--shards", text, 1, 64)),
    json: flags.json ?? null,
  };
}

function peersOf(text: string | undefined): readonly PeerName[] {
  if (text === undefined) return peersDefault;
  return text === "none" ? [] : namesOf("--peers", text, peerNames);
}

function namesOf<T extends string>(flag: string, text: string | undefined, known: readonly T[]): readonly T[] {
  if (text === undefined) return known;
  const wanted = text.split(",");
  const unknown = wanted.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`${flag} takes some of ${known.join(", ")}, not "${unknown}"`);
  return known.filter((name) => wanted.includes(name));
}

function numberOf(flag: string, text: string, min: number, max: number): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new Error(`${flag} takes a number from ${min} to ${max}, not "${text}"`);
  return value;
}
