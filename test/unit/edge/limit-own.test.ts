import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { rateLimits } from "../../../core/limits.ts";
import type { RateLease, RatePolicy, RateVerdict } from "../../../core/rpc/durable-objects.ts";
import {
  defaultLimitsPolicy,
  issuesOfLimits,
  type LimitsPolicy,
  limitBounds,
  limitGroups,
  parseLimitsPolicy,
} from "../../../core/tenancy/limits-policy.ts";
import { parseOrgPolicy } from "../../../core/tenancy/policy.ts";
import { limitGate } from "../../../workers/edge/gates/limit.ts";
import { contextOf, orgId, orgPolicy, otherOrgId, userId } from "./contexts.ts";

const devices = "https://s.example/api/v1/orgs/demo/devices";
const signIn = "https://s.example/api/v1/orgs/demo/auth/login";
const mqtt = "https://s.example/mqtt/demo";
const user = { kind: "user", via: "bearer", accessToken: "t", user: userId, org: orgId } as const;
const none = { kind: "none" } as const;
const { clients, organisation } = defaultLimitsPolicy;
const slow: LimitsPolicy = {
  ...defaultLimitsPolicy,
  clients: { ...clients, requests_per_minute: 40 },
  organisation: { requests_per_minute: 2_000, upgrades_per_minute_of_an_address: 900 },
};

/** Refuses whatever is named. */
function limits(refusing: string | null = null) {
  const decide = ({ policy, limit }: RatePolicy) => {
    const allowed = refusing === null || !policy.startsWith(refusing);
    return { allowed, limit, remaining: allowed ? limit - 1 : 0, resetSeconds: 60 };
  };
  const consume = async (_client: string, policies: readonly RatePolicy[]): Promise<RateVerdict> => {
    const decisions = policies.map(decide);
    return { allowed: decisions.every(({ allowed }) => allowed), decisions };
  };
  const lease = async (_client: string, policy: RatePolicy, permits: number): Promise<RateLease> => {
    const decision = decide(policy);
    return { granted: decision.allowed ? permits : 0, decision };
  };
  const never = async (): Promise<never> => {
    throw new Error("counted in another way");
  };
  return { consume: vi.fn(consume), lease: vi.fn(lease), attempt: vi.fn(never), settle: vi.fn(never) };
}

async function judge(url: string, credential: typeof user | typeof none, own: LimitsPolicy, refusing?: string) {
  const LIMITS = limits(refusing);
  const init = url === signIn ? { method: "POST" } : {};
  const context = contextOf(url, { init, org: orgPolicy({ limits: own }), env: { LIMITS } });
  const judged = await limitGate.judge({ ...context, body: null, credential });
  return { judged, consumed: LIMITS.consume.mock.calls, leased: LIMITS.lease.mock.calls };
}

describe("an organisation's own limits at the edge", () => {
  it("count a person there besides everywhere, under a name of that organisation alone", async () => {
    const { judged, consumed, leased } = await judge(devices, user, slow);
    expect(consumed).toEqual([
      [
        `user:${userId}`,
        [
          { policy: "default", limit: rateLimits.default, windowMs: 60_000 },
          { policy: `organisation:${orgId}`, limit: 40, windowMs: 60_000 },
        ],
      ],
    ]);
    expect(leased).toEqual([[`tenant:${orgId}`, { policy: "tenant", limit: 2_000, windowMs: 61_000 }, 1]]);
    expect(judged.kind === "allow" && judged.adds.rate?.map(({ policy }) => policy)).toEqual([
      "default",
      "organisation",
      "tenant",
    ]);
  });

  it("refuse who is over them, say which it was, and cost the organisation nothing", async () => {
    const { judged, leased } = await judge(devices, user, slow, "organisation:");
    expect(judged).toMatchObject({ kind: "deny", code: "rate_limited" });
    expect(judged.kind === "deny" && judged.headers?.["RateLimit-Policy"]).toMatch(/^"organisation";q=40;w=60/);
    expect(leased).toEqual([]);
  });

  it("cost no count where they say no less than the platform, and none of who is unknown or guesses", async () => {
    const usual = await judge(devices, user, defaultLimitsPolicy);
    expect(usual.consumed[0]?.[1].map(({ policy }) => policy)).toEqual(["default"]);
    const unknown = await judge(devices, none, slow);
    expect(unknown.consumed[0]?.[1].map(({ policy }) => policy)).toEqual(["default"]);
    const guess = await judge(signIn, user, slow);
    expect(guess.consumed[0]?.[1].map(({ policy }) => policy)).toEqual(["sign_in", "default"]);
  });

  it("bound the upgrades of one address, more than is usual or less", async () => {
    const { leased } = await judge(mqtt, none, slow);
    expect(leased).toEqual([
      [`address:127.0.0.1:${orgId}`, { policy: "mqtt_connect", limit: 900, windowMs: 61_000 }, 1],
    ]);
    expect(organisation.upgrades_per_minute_of_an_address).toBe(rateLimits.mqtt_connect);
  });

  it("leave a stranger uncounted for the organisation, whom they still hold back himself", async () => {
    const LIMITS = limits();
    const context = contextOf(devices, { org: orgPolicy({ limits: slow }), env: { LIMITS } });
    await limitGate.judge({ ...context, body: null, credential: { ...user, org: otherOrgId } });
    expect(LIMITS.lease).not.toHaveBeenCalled();
    expect(LIMITS.consume.mock.calls[0]?.[1]).toHaveLength(2);
  });
});

describe("figures of an organisation's limits", () => {
  const bounds = limitGroups.flatMap((group) =>
    Object.entries(limitBounds[group]).map(([name, bound]) => ({ group, name, ...bound })),
  );
  const withFigure = (group: string, name: string, figure: unknown): LimitsPolicy => {
    const whole = JSON.parse(JSON.stringify(defaultLimitsPolicy)) as Record<string, Record<string, unknown>>;
    return { ...whole, [group]: { ...whole[group], [name]: figure } } as unknown as LimitsPolicy;
  };

  it("may be what they are without a word, and each of them its least and its most", () => {
    expect(issuesOfLimits(defaultLimitsPolicy)).toEqual([]);
    expect(bounds).toHaveLength(9);
    for (const { group, name, min, standard, max } of bounds) {
      expect(min <= standard && standard <= max).toBe(true);
      for (const figure of [min, max]) expect(issuesOfLimits(withFigure(group, name, figure))).toEqual([]);
      for (const figure of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY, "7", null])
        expect(issuesOfLimits(withFigure(group, name, figure))).toEqual([
          { path: `${group}.${name}`, message: `must be a whole number from ${min} to ${max}` },
        ]);
    }
  });

  it("that are stored are read within today's bounds, whatever they say, or not at all", () => {
    for (const { group, name, min, standard, max } of bounds) {
      const read = (figure: unknown) =>
        (
          parseLimitsPolicy(withFigure(group, name, figure)) as unknown as Record<string, Record<string, number>> | null
        )?.[group]?.[name];
      expect([read(0), read(Number.MAX_SAFE_INTEGER), read(undefined)]).toEqual([min, max, standard]);
      expect([read("7"), read(1.5), read({})]).toEqual([undefined, undefined, undefined]);
    }
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const parsed = parseLimitsPolicy(json);
        return parsed === null || issuesOfLimits(parsed).length === 0;
      }),
    );
  });

  it("that do not parse leave no policy to pass by, and an edge that is given none judges by the platform's", () => {
    const published = JSON.parse(JSON.stringify(orgPolicy({ limits: slow }))) as Record<string, unknown>;
    expect(parseOrgPolicy(published)?.limits).toEqual(slow);
    expect(parseOrgPolicy({ ...published, limits: undefined })?.limits).toEqual(defaultLimitsPolicy);
    expect(parseOrgPolicy({ ...published, limits: { devices: "none" } })).toBeNull();
  });
});
