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
import type { Session, SessionEvents } from "../../../agent/connection/session.ts";
import type { Credentials } from "../../../agent/state/credentials.ts";

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
    [{ kind: "credentials_refused", returnCode: 5 }, true],
    [{ kind: "upgrade_refused", status: 403 }, true],
    [{ kind: "upgrade_refused", status: 429 }, false],
    [{ kind: "upgrade_refused", status: 503 }, false],
    [{ kind: "connect_refused", returnCode: 3 }, false],
    [{ kind: "unreachable", code: "ECONNREFUSED", detail: "" }, false],
    [{ kind: "lost" }, false],
  ])("%o is final: %s, and is explained", (reason, final) => {
    expect(isFinalRefusal(reason)).toBe(final);
    expect(explainClose(reason).code).toMatch(/^[a-z_]+$/);
  });
});

/** A clock that only a test moves, and sessions that only a test ends. */
function harness(random = 0.5) {
  let nowMs = 0;
  const timers: { readonly at: number; readonly callback: () => void }[] = [];
  const sessions: SessionEvents[] = [];
  const delays: (number | null)[] = [];
  let ended = 0;
  const keeper = new ConnectionKeeper(
    (_credentials, events): Session => {
      sessions.push(events);
      return {
        publish: () => {},
        end: async () => {
          ended += 1;
          events.closed({ kind: "ended" });
        },
      };
    },
    {} as Credentials,
    {
      now: () => nowMs,
      random: () => random,
      after: (ms, callback) => {
        const timer = { at: nowMs + ms, callback };
        timers.push(timer);
        return () => timers.splice(timers.indexOf(timer), 1);
      },
    },
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
    delays,
    timers,
    ended: () => ended,
    wait: (ms: number) => {
      nowMs += ms;
    },
    fire: () => {
      const timer = timers.shift();
      nowMs = timer?.at ?? nowMs;
      timer?.callback();
    },
    last: () => sessions.at(-1)!,
  };
}

describe("keeper", () => {
  test("doubles its patience when each connection succeeds and is kicked at once", () => {
    const world = harness();
    world.keeper.start();
    for (let round = 0; round < 4; round += 1) {
      world.last().connected();
      world.wait(1_000);
      world.last().closed({ kind: "lost" });
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
    world.last().connected();
    world.wait(stableMsMin);
    world.last().closed({ kind: "lost" });
    expect(world.delays.at(-1)).toBe(500);
  });

  test("never has two connections or two timers", () => {
    const world = harness();
    world.keeper.start();
    world.last().closed({ kind: "lost" });
    expect(world.timers).toHaveLength(1);
    world.fire();
    expect(world.timers).toHaveLength(0);
    expect(world.sessions).toHaveLength(2);
  });

  test("stops while it waits, and connects no more", async () => {
    const world = harness();
    world.keeper.start();
    world.last().closed({ kind: "lost" });
    await world.keeper.stop(1);
    expect(world.timers).toHaveLength(0);
    expect(world.sessions).toHaveLength(1);
  });

  test("ends an open session when it stops", async () => {
    const world = harness();
    world.keeper.start();
    world.last().connected();
    await world.keeper.stop(1);
    expect(world.ended()).toBe(1);
    expect(world.delays).toEqual([null]);
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
