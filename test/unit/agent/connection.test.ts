import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  attemptsAfter,
  backoffBaseMs,
  backoffCapMs,
  nextDelay,
  refusedDelay,
  stableMsMin,
} from "../../../agent/connection/backoff.ts";
import { type CloseReason, explainClose, isFinalRefusal } from "../../../agent/connection/close-reason.ts";
import { ConnectionKeeper } from "../../../agent/connection/keeper.ts";
import { proxyFor } from "../../../agent/connection/proxy.ts";
import type { Route } from "../../../agent/connection/route.ts";
import type { Session, SessionEvents } from "../../../agent/connection/session.ts";
import type { Credentials } from "../../../agent/state/credentials.ts";
import { HandClock } from "./hand-clock.ts";

describe("backoff", () => {
  test("is full jitter under a ceiling that doubles up to the cap", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1_000_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const delay = nextDelay(attempt, random);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(attempt, 30)));
        },
      ),
    );
    expect(nextDelay(0, 0)).toBe(0);
    expect(nextDelay(3, 0.5)).toBe(4_000);
    expect(nextDelay(50, 0.999999)).toBeGreaterThan(backoffCapMs * 0.99);
  });

  test("is never shorter than what the server asked for, and spreads those it asked", () => {
    expect(nextDelay(0, 0, 30_000)).toBe(30_000);
    expect(nextDelay(0, 0.999999, 30_000)).toBeGreaterThan(44_000);
    expect(nextDelay(3, 0.5, 30_000)).toBe(37_500 + 4_000);
  });

  test("stays around the cap for a device that the server refuses", () => {
    expect(refusedDelay(0)).toBe(backoffCapMs / 2);
    expect(refusedDelay(0.999999)).toBeLessThanOrEqual(backoffCapMs);
  });

  test("starts again only after a stable minute", () => {
    expect(attemptsAfter(4, null)).toBe(5);
    expect(attemptsAfter(4, stableMsMin - 1)).toBe(5);
    expect(attemptsAfter(4, stableMsMin)).toBe(0);
  });
});

describe("refusals", () => {
  test.each<[CloseReason, boolean]>([
    [{ kind: "credentials_refused", said: "CONNACK 5" }, true],
    [{ kind: "redirect_refused", reference: "wss://elsewhere.example" }, true],
    [{ kind: "upgrade_refused", status: 403 }, true],
    [{ kind: "upgrade_refused", status: 429 }, false],
    [{ kind: "upgrade_refused", status: 503 }, false],
    [{ kind: "connect_refused", said: "CONNACK 2", retryAfterMs: null }, false],
    [{ kind: "server_busy", said: "CONNACK 3", retryAfterMs: null }, false],
    [{ kind: "version_refused", said: "CONNACK 0x84" }, false],
    [{ kind: "redirected", url: "wss://a.example/", lasting: true }, false],
    [{ kind: "disconnected", said: "DISCONNECT 0x8b", retryAfterMs: null }, false],
    [{ kind: "unreachable", code: "ECONNREFUSED", detail: "" }, false],
    [{ kind: "lost", detail: null }, false],
  ])("%o is final: %s, and is explained", (reason, final) => {
    expect(isFinalRefusal(reason)).toBe(final);
    expect(explainClose(reason).code).toMatch(/^[a-z_]+$/);
  });
});

const home = "wss://sentinel.example/mqtt";
const granted = { protocolVersion: 5, keepAliveSeconds: 5400 } as const;
const lost: CloseReason = { kind: "lost", detail: null };

/** A clock that only a test moves, and sessions that only a test ends. */
function harness() {
  const clock = new HandClock();
  const sessions: SessionEvents[] = [];
  const routes: Route[] = [];
  const delays: (number | null)[] = [];
  let ended = 0;
  const keeper = new ConnectionKeeper(
    (_credentials, route, events): Session => {
      sessions.push(events);
      routes.push(route);
      return {
        publish: () => {},
        end: async () => {
          ended += 1;
          events.closed({ kind: "ended" });
        },
      };
    },
    { mqttUrl: home } as Credentials,
    clock,
    {
      connecting: () => {},
      connected: () => {},
      command: () => {},
      subscriptionRefused: () => {},
      disconnected: (_reason, delayMs) => delays.push(delayMs),
    },
  );
  return {
    keeper,
    sessions,
    routes,
    delays,
    timers: clock.timers,
    ended: () => ended,
    wait: (ms: number) => {
      clock.nowMs += ms;
    },
    fire: () => clock.fire(),
    last: () => sessions.at(-1)!,
  };
}

describe("keeper", () => {
  test("doubles its patience when each connection succeeds and is kicked at once", () => {
    const world = harness();
    world.keeper.start();
    for (let round = 0; round < 4; round += 1) {
      world.last().connected(granted);
      world.wait(1_000);
      world.last().closed(lost);
      world.fire();
    }
    expect(world.delays).toEqual([500, 1_000, 2_000, 4_000]);
  });

  test("is quick again after a connection that lasted a minute", () => {
    const world = harness();
    world.keeper.start();
    for (let round = 0; round < 5; round += 1) {
      world.last().closed({ kind: "unreachable", code: "x", detail: "" });
      world.fire();
    }
    world.last().connected(granted);
    world.wait(stableMsMin);
    world.last().closed(lost);
    expect(world.delays.at(-1)).toBe(500);
  });

  test("never has two connections or two timers", () => {
    const world = harness();
    world.keeper.start();
    world.last().closed(lost);
    expect(world.timers).toHaveLength(1);
    world.fire();
    expect(world.timers).toHaveLength(0);
    expect(world.sessions).toHaveLength(2);
  });

  test("stops while it waits, and connects no more", async () => {
    const world = harness();
    world.keeper.start();
    world.last().closed(lost);
    await world.keeper.stop(1);
    expect(world.timers).toHaveLength(0);
    expect(world.sessions).toHaveLength(1);
  });

  test("ends an open session when it stops", async () => {
    const world = harness();
    world.keeper.start();
    world.last().connected(granted);
    await world.keeper.stop(1);
    expect(world.ended()).toBe(1);
    expect(world.delays).toEqual([null]);
  });
});

describe("the way to the server", () => {
  const refused: CloseReason = { kind: "version_refused", said: "CONNACK 0x01" };

  test("is MQTT 5.0, after a refusal of it once 3.1.1, and then 5.0 again", () => {
    const world = harness();
    world.keeper.start();
    world.last().closed(refused);
    world.fire();
    world.last().connected({ protocolVersion: 4, keepAliveSeconds: 60 });
    world.last().closed(lost);
    world.fire();
    expect(world.routes.map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4, 5]);
    expect(world.routes.every(({ url }) => url === home)).toBe(true);
  });

  test("costs no patience when the server says how to go on, unless it keeps saying so", () => {
    const world = harness();
    world.keeper.start();
    for (let round = 0; round < 4; round += 1) {
      world.last().closed({ kind: "unreachable", code: "x", detail: "" });
      world.fire();
    }
    for (let round = 0; round < 3; round += 1) {
      world.last().closed(refused);
      world.fire();
    }
    world.last().closed({ kind: "unreachable", code: "x", detail: "" });
    expect(world.delays).toEqual([500, 1_000, 2_000, 4_000, 500, 1_000, 2_000, 8_000]);
  });

  test("leads where the server sent it: once, or until that fails", () => {
    for (const lasting of [false, true]) {
      const world = harness();
      world.keeper.start();
      world.last().closed({ kind: "redirected", url: `${home}/2`, lasting });
      world.fire();
      world.last().connected(granted);
      world.last().closed(lost);
      world.fire();
      world.last().closed({ kind: "unreachable", code: "x", detail: "" });
      world.fire();
      expect(world.routes.map(({ url }) => url)).toEqual([home, `${home}/2`, lasting ? `${home}/2` : home, home]);
    }
  });

  test("is taken no earlier than a busy server asked for", () => {
    const world = harness();
    world.keeper.start();
    world.last().closed({ kind: "server_busy", said: "CONNACK 0x89", retryAfterMs: 40_000 });
    expect(world.delays[0]).toBeGreaterThanOrEqual(40_000);
  });
});

describe("proxy", () => {
  const env = { HTTPS_PROXY: "http://proxy.school:3128", NO_PROXY: "localhost, .inside.school,127.0.0.1:80" };
  test.each([
    ["wss://sentinel.example/mqtt", true],
    ["https://sentinel.example/", true],
    ["https://inside.school/", false],
    ["https://a.inside.school/", false],
    ["https://notinside.school/", true],
    ["https://localhost/", false],
    ["ws://localhost/", false],
  ])("%s goes through it: %s", (target, proxied) => {
    expect(proxyFor(new URL(target), env) !== null).toBe(proxied);
  });

  test("is none when none is named or its address makes no sense", () => {
    const target = new URL("https://sentinel.example/");
    for (const value of [undefined, "", "not an address", "socks5://proxy:1080"]) {
      expect(proxyFor(target, value === undefined ? {} : { HTTPS_PROXY: value })).toBeNull();
    }
  });
});
