import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { floodRequestsMax, rateLimitMax, rateLimits } from "../../../core/limits.ts";
import type { LimitsRpc, RateLease, RatePolicy, RateVerdict } from "../../../core/rpc/durable-objects.ts";
import { clientOf, limitGate } from "../../../workers/edge/gates/limit.ts";
import { rateFields } from "../../../workers/edge/rate-fields.ts";
import { contextOf, orgId, orgPolicy, otherOrgId, userId } from "./contexts.ts";

const me = "https://s.example/api/v1/me";
const devices = "https://s.example/api/v1/orgs/demo/devices";
const org = orgPolicy();
const user = { kind: "user", via: "bearer", accessToken: "t", user: userId, org: orgId } as const;
const none = { kind: "none" } as const;
const body = null;

const neverAsked = async (): Promise<never> => {
  throw new Error("counted in another way");
};
const decision = (limit: number, remaining: number) => ({ allowed: true, limit, remaining, resetSeconds: 60 });
const room = async (_client: string, policies: readonly RatePolicy[]): Promise<RateVerdict> => {
  return { allowed: true, decisions: policies.map(({ limit }) => decision(limit, limit - 1)) };
};
const lots = async (_client: string, { limit }: RatePolicy, permits: number): Promise<RateLease> => {
  return { granted: permits, decision: decision(limit, limit - permits) };
};
function limits(own: Partial<LimitsRpc> = {}) {
  const { consume = room, lease = lots, attempt = neverAsked, settle = neverAsked } = own;
  return { consume: vi.fn(consume), lease: vi.fn(lease), attempt: vi.fn(attempt), settle: vi.fn(settle) };
}

describe("who is counted", () => {
  const context = contextOf(devices, { org });

  it("is a person, whichever organisation they look at", () => {
    expect(clientOf("default", { ...context, credential: user })).toBe(`user:${userId}`);
    expect(clientOf("default", { ...context, credential: { ...user, org: null } })).toBe(`user:${userId}`);
  });

  it("is the address while nobody is verified: a made-up device token is no new name", () => {
    const device = { kind: "device", token: "sdt_x" } as const;
    expect(clientOf("mqtt_connect", { ...context, credential: device })).toBe(`address:127.0.0.1:${orgId}`);
    expect(clientOf("mqtt_connect", { ...context, credential: none })).toBe(`address:127.0.0.1:${orgId}`);
    expect(clientOf("default", { ...context, credential: none })).toBe("address:127.0.0.1");
  });

  it("is the address of whoever guesses, signed in or not; who proves themselves again is a person", () => {
    expect(clientOf("sign_in", { ...context, credential: user })).toBe("address:127.0.0.1");
    expect(clientOf("enrollment", { ...context, credential: user })).toBe("address:127.0.0.1");
    expect(clientOf("mfa", { ...context, credential: user })).toBe(`user:${userId}`);
  });

  it("has a name under the object's bound", () => {
    const device = { kind: "device", token: "x" } as const;
    for (const credential of [user, device, none])
      expect(clientOf("mqtt_connect", { ...context, credential }).length).toBeLessThan(256);
  });
});

describe("what is counted", () => {
  it("is everything, and besides it what has a limit of its own", async () => {
    const LIMITS = limits();
    const create = contextOf("https://s.example/api/v1/orgs", { init: { method: "POST" }, env: { LIMITS } });
    const personal = { ...user, org: null };
    expect(await limitGate.judge({ ...create, body, credential: personal })).toMatchObject({ kind: "allow" });
    const policies = [
      { policy: "org_creation", limit: 5, windowMs: 60_000 },
      { policy: "default", limit: 100, windowMs: 60_000 },
    ];
    expect(LIMITS.consume.mock.calls).toEqual([[`user:${userId}`, policies]]);
    expect(LIMITS.lease).not.toHaveBeenCalled();
  });

  it("is what an organisation asks altogether, in blocks, by those who proved to speak for it", async () => {
    const LIMITS = limits();
    const context = contextOf(devices, { org, env: { LIMITS } });
    const judged = await limitGate.judge({ ...context, body, credential: user });
    const tenant = { policy: "tenant", limit: 6000, windowMs: 61_000 };
    expect(LIMITS.lease.mock.calls).toEqual([[`tenant:${orgId}`, tenant, 1]]);
    expect(judged.kind === "allow" && judged.adds.rate?.map(({ policy }) => policy)).toEqual(["default", "tenant"]);
    for (const credential of [none, { ...user, org: null }, { ...user, org: otherOrgId }])
      await limitGate.judge({ ...context, body, credential });
    expect(LIMITS.lease).toHaveBeenCalledTimes(1);
  });

  it("is nothing of the organisation's when the client itself is refused: one can't use up what all share", async () => {
    const refused = { allowed: false, limit: 100, remaining: 0, resetSeconds: 6.2 };
    const LIMITS = limits({ consume: async () => ({ allowed: false, decisions: [refused] }), lease: neverAsked });
    const context = contextOf(devices, { org, env: { LIMITS } });
    expect(await limitGate.judge({ ...context, body, credential: user })).toEqual({
      kind: "deny",
      code: "rate_limited",
      headers: { "Retry-After": "7", "RateLimit-Policy": '"default";q=100;w=60', RateLimit: '"default";r=0;t=7' },
    });
  });

  it("refuses who is within bounds when the organisation is not, and names the bound", async () => {
    const full = { allowed: false, limit: 6000, remaining: 0, resetSeconds: 3 };
    const LIMITS = limits({ lease: async () => ({ granted: 0, decision: full }) });
    const context = contextOf(devices, { org, env: { LIMITS } });
    expect(await limitGate.judge({ ...context, body, credential: user })).toEqual({
      kind: "deny",
      code: "rate_limited",
      headers: {
        "Retry-After": "3",
        "RateLimit-Policy": '"tenant";q=6000;w=60, "default";q=100;w=60',
        RateLimit: '"tenant";r=0;t=3, "default";r=99;t=60',
      },
    });
  });

  it("is scaled as configured, and never past what can be counted", async () => {
    for (const [scale, limit] of [
      ["2.5", 250],
      ["1000000", rateLimitMax],
    ] as const) {
      const LIMITS = limits();
      const context = contextOf(me, { env: { LIMITS, LIMIT_SCALE: scale } });
      await limitGate.judge({ ...context, body, credential: user });
      expect(LIMITS.consume.mock.calls[0]?.[1]).toEqual([{ policy: "default", limit, windowMs: 60_000 }]);
    }
  });

  it("is an upgrade, in blocks, in a window that is longer by the life of a permit", async () => {
    const LIMITS = limits({ consume: neverAsked });
    const upgrade = contextOf("https://s.example/mqtt/demo", { org, env: { LIMITS } });
    const left = [];
    for (let index = 0; index < 3; index += 1) {
      const judged = await limitGate.judge({ ...upgrade, body, credential: none });
      left.push(judged.kind === "allow" && judged.adds.rate?.map(({ decision: { remaining } }) => remaining));
    }
    const policy = { policy: "mqtt_connect", limit: 600, windowMs: 61_000 };
    const client = `address:127.0.0.1:${orgId}`;
    expect(LIMITS.lease.mock.calls).toEqual([
      [client, policy, 1],
      [client, policy, 2],
    ]);
    // The object's window holds the whole block; what this isolate has of it is left all the same.
    expect(left).toEqual([[599], [599], [598]]);
  });

  it("is not the health of the edge, which must not hang on an object", async () => {
    const health = contextOf("https://s.example/healthz");
    expect(await limitGate.judge({ ...health, body, credential: none })).toEqual({
      kind: "allow",
      adds: { rate: [], guess: null },
    });
  });
});

describe("the limiter out of reach", () => {
  const down = limits({ consume: neverAsked, lease: neverAsked });
  const post = { method: "POST" };

  it.each([
    ["a read", me, {}],
    ["a page", "https://s.example/", {}],
    ["a device's upgrade", "https://s.example/mqtt/demo", {}],
  ])("lets %s go on uncounted", async (_what, url, init) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const context = contextOf(url, { org, init, env: { LIMITS: down } });
    expect(await limitGate.judge({ ...context, body, credential: user })).toEqual({
      kind: "allow",
      adds: { rate: [], guess: null },
    });
  });

  it.each([
    ["a sign-in", "/api/v1/auth/login"],
    ["a proof of who one is", "/api/v1/me/step-up"],
    ["an enrolment", "/api/v1/enroll"],
    ["a new organisation", "/api/v1/orgs"],
    ["an operator's call", "/api/v1/operator/keys/rotate"],
  ])("refuses %s", async (_what, path) => {
    const context = contextOf(`https://s.example${path}`, { init: post, env: { LIMITS: down } });
    expect(context.resolution.kind).toBe("route");
    await expect(async () => limitGate.judge({ ...context, body, credential: user })).rejects.toThrow();
  });

  it("is not waited for longer than a second by what goes on without it", async () => {
    vi.useFakeTimers();
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const LIMITS = limits({ consume: () => new Promise(() => undefined) });
    const judged = limitGate.judge({ ...contextOf(me, { env: { LIMITS } }), body, credential: user });
    await vi.advanceTimersByTimeAsync(1000);
    expect(await judged).toMatchObject({ kind: "allow", adds: { rate: [] } });
    vi.useRealTimers();
  });
});

describe("the fields", () => {
  it("are the draft's, the bound with the least left first", () => {
    const counted = (policy: string, limit: number, remaining: number, resetSeconds: number) => {
      return { policy, windowMs: 60_000, decision: { allowed: true, limit, remaining, resetSeconds } };
    };
    expect(rateFields([counted("default", 100, 50, 60), counted("mfa", 10, 3, 0)])).toEqual({
      "RateLimit-Policy": '"mfa";q=10;w=60, "default";q=100;w=60',
      RateLimit: '"mfa";r=3;t=1, "default";r=50;t=60',
    });
    expect(rateFields([])).toEqual({});
  });

  it("tell the flood gate's bound as it is configured", () => {
    const config = readFileSync(new URL("../../../wrangler.toml", import.meta.url), "utf8");
    expect(config).toContain(`simple = { limit = ${floodRequestsMax}, period = 60 }`);
  });
});

it("what can be guessed is slower than everything else", () => {
  const { default: everything, sign_in, mfa, enrollment, billing, org_creation } = rateLimits;
  expect({ everything, enrollment, billing, org_creation }).toEqual({
    everything: 100,
    enrollment: 10,
    billing: 10,
    org_creation: 5,
  });
  for (const limit of [sign_in, mfa]) expect(limit).toBeLessThan(everything);
});
