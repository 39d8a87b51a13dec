import { median } from "../statistics.ts";
import { type Bar, type Case, type CaseName, cases } from "./cases.ts";
import type { Busy, Outcome } from "./measure.ts";

/** What one broker did in one round of a case; an error's message when it could not be carried out. */
export type Attempt = Outcome | { readonly failed: string };

export interface BrokerResult extends Busy {
  readonly attempts: readonly Attempt[];
  /** Median of the rounds that were carried out; NaN without any. */
  readonly value: number;
  readonly missing: number;
}

export interface CaseResult {
  readonly name: CaseName;
  readonly what: string;
  readonly unit: Case["unit"];
  readonly bar: Bar;
  readonly brokers: Readonly<Record<string, BrokerResult>>;
  /** Sentinel's figure over the peer's, by the peer's name. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Null when the peer that decides was not measured. */
  readonly met: boolean | null;
  readonly betterThanAedes: boolean | null;
}

export const sentinelName = "Sentinel";

/** @param attempts of each broker, by its name */
export function judge(name: CaseName, attempts: ReadonlyMap<string, readonly Attempt[]>): CaseResult {
  const { what, unit, bar, beatsAedes }: Case = cases[name];
  const brokers = Object.fromEntries([...attempts].map(([broker, list]) => [broker, resultOf(list)]));
  const ours = brokers[sentinelName]?.value ?? Number.NaN;
  const ratios = Object.fromEntries(
    Object.entries(brokers)
      .filter(([broker]) => broker !== sentinelName)
      .map(([broker, { value }]) => [broker, ours / value]),
  );
  const aedes = ratios["aedes"];
  const better = aedes === undefined || !beatsAedes ? null : unit === "/s" ? aedes > 1 : aedes < 1;
  return {
    name,
    what,
    unit,
    bar,
    brokers,
    ratios,
    met: isMet(bar, ours, ratios["mosquitto"]),
    betterThanAedes: better,
  };
}

function isMet(bar: Bar, ours: number, toMosquitto: number | undefined): boolean | null {
  if (bar.kind === "at most") return ours <= bar.most;
  return toMosquitto === undefined ? null : toMosquitto >= bar.least;
}

function resultOf(attempts: readonly Attempt[]): BrokerResult {
  const outcomes = attempts.filter((attempt): attempt is Outcome => !("failed" in attempt));
  const share = (of: keyof Busy): number => median(outcomes.map((outcome) => outcome[of]));
  return {
    attempts,
    value: median(outcomes.map(({ value }) => value)),
    missing: outcomes.reduce((sum, one) => sum + (one.sent - one.received) + one.unacknowledged, 0),
    brokerBusy: share("brokerBusy"),
    besideBroker: share("besideBroker"),
    generatorBusy: share("generatorBusy"),
    besideGenerator: share("besideGenerator"),
  };
}
