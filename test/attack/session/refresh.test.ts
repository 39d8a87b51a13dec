import { beforeAll, describe, expect, it } from "vitest";
import { refreshGraceMs } from "../../../store/control/refresh-tokens.ts";
import { type Account, createHarness, type Harness } from "../../postgres/studio/harness.ts";
import { asSuperuser } from "../../postgres/support.ts";
import { whatOpens } from "./support.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const refresh = (token: string, at = studio) =>
  at.send("POST", "/api/v1/auth/refresh", { body: { refresh_token: token } });
/** Families and tokens that the tables hold for somebody. */
async function held(account: Account): Promise<{ families: number; tokens: number; revoked: number }> {
  const [row] = await asSuperuser(
    `SELECT count(DISTINCT f.id)::int AS families, count(t.token_hash)::int AS tokens,
       count(DISTINCT f.id) FILTER (WHERE f.revoked_at IS NOT NULL)::int AS revoked
     FROM control.sessions s JOIN control.refresh_families f ON f.session_id = s.id
       JOIN control.refresh_tokens t ON t.family_id = f.id WHERE s.user_id = $1`,
    [account.id],
  );
  return row as { families: number; tokens: number; revoked: number };
}

describe("one refresh token presented fifty times at the same moment", () => {
  it("has one successor, makes no second family and logs nobody out", async () => {
    const account = await studio.newAccount();
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(account.refreshToken)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(await held(account)).toEqual({ families: 1, tokens: 2, revoked: 0 });
    for (const { body } of answers.slice(0, 3)) {
      expect((await studio.send("GET", "/api/v1/me", { token: body.access_token })).status).toBe(200);
    }
    const [next] = answers;
    expect((await refresh(next?.body.refresh_token)).status).toBe(200);
  });
});

describe("a stolen refresh token", () => {
  it("ends thief and owner when it comes back after the grace, whoever of them was first", async () => {
    const own = await createHarness();
    const account = await own.newAccount();
    const thief = await refresh(account.refreshToken, own);
    own.clock.nowMs += refreshGraceMs + 1;
    expect((await refresh(account.refreshToken, own)).body.code).toBe("invalid_token");
    const stolen = { ...account, token: thief.body.access_token, refreshToken: thief.body.refresh_token };
    expect(await whatOpens(own, stolen)).toEqual([]);
    expect(await held(account)).toMatchObject({ families: 1, revoked: 1 });
  });

  it("ends them within the grace too, once its successor was used", async () => {
    const account = await studio.newAccount();
    const second = await refresh(account.refreshToken);
    const third = await refresh(second.body.refresh_token);
    expect(third.status).toBe(200);
    expect((await refresh(account.refreshToken)).body.code).toBe("invalid_token");
    const newest = { ...account, token: third.body.access_token, refreshToken: third.body.refresh_token };
    expect(await whatOpens(studio, newest)).toEqual([]);
  });

  it("of one person ends nobody else's session", async () => {
    const own = await createHarness();
    const [account, other] = [await own.newAccount(), await own.newAccount()];
    await refresh(account.refreshToken, own);
    own.clock.nowMs += refreshGraceMs + 1;
    await refresh(account.refreshToken, own);
    expect(await whatOpens(own, other)).toEqual(["cookie", "access token", "refresh token"]);
  });
});
