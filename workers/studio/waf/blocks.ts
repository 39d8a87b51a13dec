import type { KeptWafRecord } from "../../../core/rpc/durable-objects.ts";
import type { TrafficOrigin } from "../../../core/tenancy/geo-traffic.ts";
import { wafCatalogue } from "../../../core/tenancy/waf-catalogue.ts";

/** Rules, and networks, that are named; a page shows no more, and the sums say what they are part of. */
export const topMax = 20;

/** What was refused, and by which of both. */
export interface Refused {
  readonly firewall: number;
  readonly geo: number;
}

export interface Blocks {
  readonly refused: Refused;
  /** The most first. `XX`: unknown. */
  readonly countries: readonly (Refused & { readonly country: string })[];
  /** Kinds of attack by the signs that were found; a request with two kinds of signs is among both. */
  readonly classes: readonly { readonly class: string; readonly count: number }[];
  /** At most {@link topMax}. `own`: the organisation's, by its name. */
  readonly rules: readonly { readonly rule: string; readonly own: boolean; readonly count: number }[];
  /** At most {@link topMax}, /24 or /48: no address is kept of who was refused. */
  readonly networks: readonly (Refused & { readonly network: string; readonly country: string })[];
}

/**
 * Adds up what logs keep of refused requests. They were folded where they were counted, so nothing here grows with an
 * attack, and what had no room of its own there is in the sums and countries alone.
 * @param sinceMs from when on records count, Unix milliseconds; of traffic the caller asks for no older
 */
export function blocksOf(
  records: readonly KeptWafRecord[],
  traffic: readonly (TrafficOrigin & { readonly count: number })[],
  sinceMs: number,
): Blocks {
  const firewall = records.filter(({ record, lastAtMs }) => record.outcome === "block" && lastAtMs >= sinceMs);
  const geo = traffic.filter(({ admitted }) => !admitted);
  const countries = new Tally<{ country: string }>();
  const networks = new Tally<{ network: string; country: string }>();
  const classes = new Map<string, number>();
  const rules = new Map<string, { rule: string; own: boolean; count: number }>();
  for (const { record, count } of firewall) {
    const { country, network, findings, rules: own } = record;
    countries.add(country, { country }, { firewall: count, geo: 0 });
    if (network !== "") networks.add(network, { network, country }, { firewall: count, geo: 0 });
    // Two findings of one rule are one reason.
    const found = new Set(findings.map(({ rule }) => rule));
    for (const attack of new Set([...found].map((rule) => wafCatalogue[rule].class)))
      classes.set(attack, (classes.get(attack) ?? 0) + count);
    const named = [...[...found].map((rule) => ({ rule, own: false })), ...own.map((rule) => ({ rule, own: true }))];
    for (const one of named) {
      const key = `${one.own} ${one.rule}`;
      rules.set(key, { ...one, count: (rules.get(key)?.count ?? 0) + count });
    }
  }
  for (const { country, network, count } of geo) {
    countries.add(country, { country }, { firewall: 0, geo: count });
    if (network !== "") networks.add(network, { network, country }, { firewall: 0, geo: count });
  }
  const sum = (all: readonly { readonly count: number }[]): number =>
    all.reduce((total, { count }) => total + count, 0);
  return {
    refused: { firewall: sum(firewall), geo: sum(geo) },
    countries: countries.mostFirst(),
    classes: [...classes].map(([name, count]) => ({ class: name, count })).toSorted((a, b) => b.count - a.count),
    rules: [...rules.values()].toSorted((a, b) => b.count - a.count || (a.rule < b.rule ? -1 : 1)).slice(0, topMax),
    networks: networks.mostFirst().slice(0, topMax),
  };
}

class Tally<Named> {
  readonly #rows = new Map<string, Named & Refused>();

  add(key: string, named: Named, refused: Refused): void {
    const before = this.#rows.get(key);
    const firewall = (before?.firewall ?? 0) + refused.firewall;
    this.#rows.set(key, { ...named, firewall, geo: (before?.geo ?? 0) + refused.geo });
  }

  mostFirst(): (Named & Refused)[] {
    return [...this.#rows]
      .toSorted(([one, a], [other, b]) => b.firewall + b.geo - (a.firewall + a.geo) || (one < other ? -1 : 1))
      .map(([, row]) => row);
  }
}
