/** What an organisation sets of its own limits, within the platform's bounds. Pure: studio checks it, edge and hub count by it. */
import { floodRequestsMax, rateLimits, tenantRequestsMax } from "../limits.ts";

/** One figure: what holds where nothing was set, and how far it may be moved. */
export interface LimitBound {
  readonly min: number;
  readonly standard: number;
  readonly max: number;
}

/**
 * MQTT of one device or person, all sessions together. The largest is what an object can take of one of many
 * (docs/limits.md); the least is what a client still works with: five packets a second are four samples and a ping, and
 * at 64 KiB a second one largest packet is paid for in one. At most one connection in six seconds lets an agent back
 * after its own shortest pauses.
 */
const mqtt = {
  packets_per_second: { min: 5, standard: 100, max: 100 },
  bytes_per_second: { min: 64 * 1024, standard: 1024 * 1024, max: 1024 * 1024 },
  connects_per_minute: { min: 10, standard: 60, max: 60 },
} as const satisfies Record<string, LimitBound>;

export const limitBounds = {
  devices: mqtt,
  /** People and programs. Requests: a person's page is some ten, so that three pages a minute always work. */
  clients: { ...mqtt, requests_per_minute: { min: 30, standard: rateLimits.default, max: rateLimits.default } },
  /**
   * Requests of all together. The least is what ten people may ask: a program must not be able to keep its
   * organisation from undoing this. WebSocket upgrades of one address: a school behind one address may want more than
   * is usual, up to what the flood gate lets through.
   */
  organisation: {
    requests_per_minute: { min: 1_000, standard: tenantRequestsMax, max: tenantRequestsMax },
    upgrades_per_minute_of_an_address: { min: 60, standard: rateLimits.mqtt_connect, max: floodRequestsMax },
  },
} as const satisfies Record<string, Record<string, LimitBound>>;

type Group = keyof typeof limitBounds;
export type LimitsPolicy = {
  readonly [G in Group]: { readonly [Name in keyof (typeof limitBounds)[G]]: number };
};
/** Of one device or person in a hub. */
export type MqttLimits = LimitsPolicy["devices"];

export const limitGroups = Object.keys(limitBounds) as Group[];

/** What holds where nothing was decided. */
export const defaultLimitsPolicy: LimitsPolicy = {
  devices: standards(limitBounds.devices),
  clients: standards(limitBounds.clients),
  organisation: standards(limitBounds.organisation),
};

function standards<Names extends string>(bounds: Readonly<Record<Names, LimitBound>>): Record<Names, number> {
  return Object.fromEntries(
    (Object.entries(bounds) as [Names, LimitBound][]).map(([name, { standard }]) => [name, standard]),
  ) as Record<Names, number>;
}

/** Where a figure is not within its bound, and what the bound is. */
export interface LimitIssue {
  readonly path: string;
  readonly message: string;
}

/** Everything that is wrong with figures that somebody wants; none where they may hold. */
export function issuesOfLimits(policy: LimitsPolicy): LimitIssue[] {
  return limitGroups.flatMap((group) => {
    const figures: Readonly<Record<string, number>> = policy[group];
    return (Object.entries(limitBounds[group]) as [string, LimitBound][]).flatMap(([name, { min, max }]) => {
      const figure = figures[name] ?? Number.NaN;
      const fits = Number.isSafeInteger(figure) && figure >= min && figure <= max;
      return fits ? [] : [{ path: `${group}.${name}`, message: `must be a whole number from ${min} to ${max}` }];
    });
  });
}

/**
 * Parses what is stored or published. A figure that is missing is the standard one (a release adds some), one beyond a
 * bound that was narrowed since is that bound; anything else is null.
 */
export function parseLimitsPolicy(json: unknown): LimitsPolicy | null {
  if (!isRecord(json)) return null;
  const groups: [Group, Record<string, number>][] = [];
  for (const group of limitGroups) {
    const given = json[group] ?? {};
    if (!isRecord(given)) return null;
    const figures: Record<string, number> = {};
    for (const [name, { min, standard, max }] of Object.entries(limitBounds[group]) as [string, LimitBound][]) {
      const figure = given[name] ?? standard;
      if (typeof figure !== "number" || !Number.isSafeInteger(figure)) return null;
      figures[name] = Math.min(max, Math.max(min, figure));
    }
    groups.push([group, figures]);
  }
  return Object.fromEntries(groups) as unknown as LimitsPolicy;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
