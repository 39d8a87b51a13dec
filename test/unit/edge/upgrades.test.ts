import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeId, type OrgId } from "../../../core/ids.ts";
import type { RatePolicy } from "../../../core/rpc/durable-objects.ts";
import type { Env } from "../../../workers/edge/env.ts";
import { gates } from "../../../workers/edge/gates/index.ts";
import { handle } from "../../../workers/edge/handle.ts";
import { createIsolate } from "../../../workers/edge/isolate.ts";
import {
  createUpgrades,
  retryAfterSeconds,
  upgradesAtOnceMax,
  upgradesOfAllMax,
} from "../../../workers/edge/upgrades.ts";
import { bareEnv, nowMs, orgId, orgPolicy, otherOrgId, requestId } from "./contexts.ts";

/** Upgrades that any machine gets through their gates in time; a divisor of {@link upgradesAtOnceMax}. */
const fewAtOnce = 16;

const orgAt = (fill: number): OrgId => makeId("org", nowMs, new Uint8Array(10).fill(fill));

describe("places of upgrades", () => {
  it("are so many for an organisation, are there again when they are given back, and another's are its own", () => {
    const upgrades = createUpgrades();
    const places = Array.from({ length: upgradesAtOnceMax }, () => upgrades.take(orgId, nowMs));
    expect(places.every((place) => place !== null)).toBe(true);
    expect(upgrades.take(orgId, nowMs)).toBeNull();
    expect(upgrades.take(otherOrgId, nowMs)).not.toBeNull();
    places[3]?.();
    places[3]?.();
    expect(upgrades.take(orgId, nowMs)).not.toBeNull();
    expect(upgrades.take(orgId, nowMs)).toBeNull();
  });

  it("of all organisations together are bounded, and free again when those that were cut off are a minute old", () => {
    const upgrades = createUpgrades();
    const orgs = upgradesOfAllMax / upgradesAtOnceMax;
    for (let org = 0; org < orgs; org += 1)
      for (let time = 0; time < upgradesAtOnceMax; time += 1) upgrades.take(orgAt(10 + org), nowMs);
    expect(upgrades.take(orgAt(99), nowMs)).toBeNull();
    expect(upgrades.take(orgAt(99), nowMs + 59_999)).toBeNull();
    for (let time = 0; time < upgradesAtOnceMax; time += 1)
      expect(upgrades.take(orgAt(99), nowMs + 60_000)).not.toBeNull();
    expect(upgrades.take(orgAt(10), nowMs + 60_000)).not.toBeNull();
  });

  it("given back late, after they were free anyway, take nobody else's away", () => {
    const upgrades = createUpgrades();
    const places = Array.from({ length: upgradesAtOnceMax }, () => upgrades.take(orgId, nowMs));
    const later = Array.from({ length: upgradesAtOnceMax }, () => upgrades.take(orgId, nowMs + 60_000));
    expect(later.every((place) => place !== null)).toBe(true);
    for (const giveBack of places) giveBack?.();
    expect(upgrades.take(orgId, nowMs + 60_000)).toBeNull();
  });

  it("that were not to be had are to be asked for again at another time each", () => {
    expect([retryAfterSeconds(0), retryAfterSeconds(0.999999)]).toEqual([1, 15]);
  });
});

describe("an upgrade", () => {
  beforeEach(() => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
  });
  afterEach(() => vi.restoreAllMocks());

  /** An edge whose hub answers when it is told to. */
  function edge() {
    const waiting: ((answer: Response | Error) => void)[] = [];
    const texts: Record<string, string> = {
      "slug:demo": orgId,
      [`org:${orgId}`]: JSON.stringify(orgPolicy()),
      "slug:other": otherOrgId,
      [`org:${otherOrgId}`]: JSON.stringify({ ...orgPolicy(), org: otherOrgId, slug: "other" }),
    };
    const lease = async (_client: string, { limit }: RatePolicy, granted: number) => ({
      granted,
      decision: { allowed: true, limit, remaining: limit, resetSeconds: 60 },
    });
    const hub = () =>
      new Promise<Response>((resolve, reject) => {
        waiting.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
      });
    const env = bareEnv({
      FLOOD: { limit: async () => ({ success: true }) } as Env["FLOOD"],
      POLICIES: { get: async (key: string) => texts[key] ?? null } as unknown as Env["POLICIES"],
      LIMITS: { lease } as unknown as Env["LIMITS"],
      DEVICE_GATEWAY: { fetch: hub } as unknown as Env["DEVICE_GATEWAY"],
    });
    const isolate = createIsolate(env, () => nowMs);
    const ask = async (slug = "demo") => {
      const request = new Request(`https://s.example/mqtt/${slug}`, { headers: { Upgrade: "websocket" } });
      // Which a browser's own Request lets nobody say.
      if (!request.headers.has("Upgrade")) throw new Error("this runtime takes the header away");
      Object.defineProperty(request, "cf", { value: { country: "IN", tlsVersion: "TLSv1.3" } });
      return await handle({ request, env, isolate, requestId, nowMs }, gates);
    };
    return { ask, waiting };
  }
  const busy = async (answer: Promise<Response>) => {
    const { status, headers } = await answer;
    const seconds = Number(headers.get("Retry-After"));
    return status === 503 && seconds >= 1 && seconds <= 15;
  };

  it("beyond those that wait for the hub is refused at once, and asks nobody", async () => {
    const { ask, waiting } = edge();
    const first: Promise<Response>[] = [];
    // Not all at one moment: on a busy machine the last would be past their gates' deadlines before their turn comes.
    while (first.length < upgradesAtOnceMax) {
      for (let few = 0; few < fewAtOnce; few += 1) first.push(ask());
      await vi.waitFor(() => expect(waiting).toHaveLength(first.length), { timeout: 60_000, interval: 1 });
    }
    expect(await busy(ask())).toBe(true);
    expect(waiting).toHaveLength(upgradesAtOnceMax);
    // A hub that hangs keeps nobody else's devices waiting.
    void ask("other");
    await vi.waitFor(() => expect(waiting).toHaveLength(upgradesAtOnceMax + 1), { timeout: 60_000 });
    // However the first ones end, there is room again.
    waiting[0]?.(new Response(null, { status: 503 }));
    waiting[1]?.(new Error("the hub went away"));
    expect([(await first[0])?.status, (await first[1])?.status]).toEqual([503, 503]);
    void ask();
    void ask();
    await vi.waitFor(() => expect(waiting).toHaveLength(upgradesAtOnceMax + 3), { timeout: 60_000 });
    expect(await busy(ask())).toBe(true);
  });
});
