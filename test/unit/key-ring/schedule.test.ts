import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  planKeys,
  publishLeadMs,
  type ScheduledKey,
  signingKey,
  signsFrom,
  verifyAfterMs,
} from "../../../durable-objects/key-ring/schedule.ts";

const tokenMs = 3600_000;
const dayMs = 24 * 3600_000;

describe("key rotation", () => {
  it("never signs with an unpublished or freshly published key, nor forgets one with live tokens, however late alarms come", () => {
    const alarm = fc.record({ lateMs: fc.integer({ min: 0, max: 40 * dayMs }), pushFails: fc.boolean() });
    fc.assert(
      fc.property(fc.array(alarm, { minLength: 1, maxLength: 80 }), (alarms) => {
        let keys: ScheduledKey[] = [];
        let now = 1_800_000_000_000;
        let made = 0;
        const publishedAt = new Map<string, number>();
        const lastSigned = new Map<string, number>();
        for (const { lateMs, pushFails } of alarms) {
          // Up to the alarm, tokens are signed all the time.
          const plan = planKeys(keys, now);
          const until = Math.max(now, plan.nextMs) + lateMs;
          for (const at of [now, (now + until) / 2, until]) {
            const signer = signingKey(keys, at);
            if (signer !== null) lastSigned.set(signer.kid, at);
            if (signer !== null && signer.kid !== "k1") {
              expect(at - (publishedAt.get(signer.kid) ?? Number.NaN)).toBeGreaterThanOrEqual(publishLeadMs);
            }
          }
          now = until;
          const due = planKeys(keys, now);
          for (const kid of due.forget) {
            expect((lastSigned.get(kid) ?? 0) + tokenMs).toBeLessThan(now);
            keys = keys.filter((key) => key.kid !== kid);
          }
          if (due.make) {
            made += 1;
            keys = [...keys, { kid: `k${made}`, signsFromMs: null }];
          }
          if (pushFails) continue;
          keys = keys.map((key) => {
            if (key.signsFromMs !== null) return key;
            publishedAt.set(key.kid, now);
            return { ...key, signsFromMs: signsFrom(keys, now) };
          });
          expect(signingKey(keys, now)).not.toBeNull();
          expect(keys.length).toBeLessThanOrEqual(3);
        }
      }),
    );
  });

  it("keeps a key for exactly as long as what it signed may live", () => {
    const keys = [
      { kid: "old", signsFromMs: 0 },
      { kid: "new", signsFromMs: 30 * dayMs },
    ];
    expect(planKeys(keys, 30 * dayMs + verifyAfterMs - 1).forget).toEqual([]);
    expect(planKeys(keys, 30 * dayMs + verifyAfterMs).forget).toEqual(["old"]);
  });

  it("goes on signing when the clock goes back before the first key's time", () => {
    const keys = [
      { kid: "waiting", signsFromMs: null },
      { kid: "second", signsFromMs: 200 },
      { kid: "first", signsFromMs: 100 },
    ];
    expect([50, 100, 199, 200].map((now) => signingKey(keys, now)?.kid)).toEqual(["first", "first", "first", "second"]);
    expect(signingKey(keys.toReversed(), 50)?.kid).toBe("first");
    expect(signingKey(keys.slice(0, 1), 500)).toBeNull();
  });

  it("signs with the first key at once and publishes the next a day before it signs", () => {
    expect(signsFrom([{ kid: "first", signsFromMs: null }], 5)).toBe(5);
    const first = { kid: "first", signsFromMs: 0 };
    expect(planKeys([first], 29 * dayMs - 1).make).toBe(false);
    expect(planKeys([first], 29 * dayMs).make).toBe(true);
    expect(signsFrom([first], 29 * dayMs)).toBe(30 * dayMs);
  });
});
