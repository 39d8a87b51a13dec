import { beforeEach, describe, expect, it } from "vitest";
import { sessionIdleMsMax, sessionMsMax } from "../../../core/limits.ts";
import { createHarness, type Harness } from "../../postgres/studio/harness.ts";
import { secretOf, trade, whatOpens } from "./support.ts";

// Each has a clock of its own that only runs forward.
let studio: Harness;
beforeEach(async () => {
  studio = await createHarness();
});

/** `last_seen_at` is written once a minute, so an hour of idling may seem a minute longer. */
const slackMs = 60_000;

describe("a session that nobody uses", () => {
  it("is over after an hour: cookie, access token and refresh token", async () => {
    const account = await studio.newAccount();
    studio.clock.nowMs += sessionIdleMsMax;
    expect(await whatOpens(studio, account)).toEqual([]);
  });

  it("is alive a moment before", async () => {
    const account = await studio.newAccount();
    studio.clock.nowMs += sessionIdleMsMax - slackMs;
    expect(await trade(studio, secretOf(account))).toBe("ok");
  });
});

describe("a session that is used all the time", () => {
  it("is over after 24 hours, and refreshing made it no longer", async () => {
    const account = await studio.newAccount();
    const endMs = studio.clock.nowMs + sessionMsMax;
    let { refreshToken } = account;
    while (studio.clock.nowMs + sessionIdleMsMax / 2 < endMs) {
      studio.clock.nowMs += sessionIdleMsMax / 2;
      expect(await trade(studio, secretOf(account))).toBe("ok");
      const refreshed = await studio.send("POST", "/api/v1/auth/refresh", { body: { refresh_token: refreshToken } });
      expect(refreshed.status).toBe(200);
      refreshToken = refreshed.body.refresh_token;
    }
    studio.clock.nowMs = endMs;
    expect(await whatOpens(studio, { ...account, refreshToken })).toEqual([]);
  });
});
