import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../../workers/studio/auth/keys.ts";
import { refreshSuccessor } from "../../../workers/studio/auth/secrets.ts";
import { runAs, setup } from "../support.ts";
import { type Account, createHarness, type Sent } from "./harness.ts";

/** Refresh tokens in the hands of two. What one holder may do alone is in identity.test.ts. */

let studio: Awaited<ReturnType<typeof createHarness>>;
beforeAll(async () => {
  studio = await createHarness();
});

const refresh = (token: string, headers: Record<string, string> = {}): Promise<Sent> =>
  studio.send("POST", "/api/v1/auth/refresh", { body: { refresh_token: token }, headers });
const nextOf = async (token: string): Promise<string> => {
  const answer = await refresh(token);
  expect(answer.status).toBe(200);
  return answer.body.refresh_token;
};
const me = async (account: Pick<Account, "token">): Promise<number> =>
  (await studio.send("GET", "/api/v1/me", { token: account.token })).status;
/** Rows of the family that a token belongs to. */
const familyOf = async (token: string): Promise<{ total: number; unspent: number }> => {
  const [row] = await runAs(
    setup.ownerUrls["first"] ?? "",
    `SELECT count(*)::int AS total, count(*) FILTER (WHERE spent_at IS NULL)::int AS unspent
     FROM control.refresh_tokens WHERE family_id = (SELECT family_id FROM control.refresh_tokens WHERE token_hash = $1)`,
    [sha256Hex(token)],
  );
  return row as { total: number; unspent: number };
};

describe("a refresh token in two hands", () => {
  it("ends for both when the second of them shows it, whichever that is", async () => {
    const account = await studio.newAccount();
    const first = await nextOf(account.refreshToken);
    studio.clock.nowMs += 10_001;
    expect((await refresh(account.refreshToken)).body.code).toBe("invalid_token");
    // Also who holds the newest is out: nobody can tell who is who.
    expect((await refresh(first)).body.code).toBe("invalid_token");
    expect(await me(account)).toBe(401);
  });

  it("is found out within the grace as soon as either goes one step further", async () => {
    const account = await studio.newAccount();
    const stolen = account.refreshToken;
    // Both present the parent within ten seconds and hold the very same successor.
    const [victim, thief] = [await nextOf(stolen), await nextOf(stolen)];
    expect(thief).toBe(victim);
    await nextOf(victim);
    studio.clock.nowMs += 10_001;
    expect((await refresh(thief)).body.code).toBe("invalid_token");
    expect(await me(account)).toBe(401);
  });

  it("is never answered for anything older than the newest's parent, however quick", async () => {
    const account = await studio.newAccount();
    const chain = [account.refreshToken];
    for (let step = 0; step < 3; step += 1) chain.push(await nextOf(chain.at(-1) ?? ""));
    const spent = chain[1] ?? "";
    expect((await refresh(spent)).body.code).toBe("invalid_token");
    expect((await refresh(chain.at(-1) ?? "")).body.code).toBe("invalid_token");
  });

  it("is audited with how and why, and with the session that ended, naming nobody as its end", async () => {
    const account = await studio.newAccount();
    const org = await studio.newOrg(account);
    await nextOf(account.refreshToken);
    studio.clock.nowMs += 10_001;
    const reuse = await refresh(account.refreshToken, { "User-Agent": "thief" });
    const logged = studio.audit.of(reuse.requestId).map(({ log, event }) => ({ log, ...event }));
    const login = {
      type: "login",
      user_id: account.id,
      user_agent: "thief",
      outcome: "failure",
      method: "refresh_token",
      reason: "token_reused",
    };
    expect(logged).toContainEqual(expect.objectContaining({ ...login, log: org.id }));
    expect(logged).toContainEqual(expect.objectContaining({ ...login, log: null }));
    expect(logged).toContainEqual(
      expect.objectContaining({
        log: null,
        type: "session_end",
        user_id: null,
        target_user_id: account.id,
        session_id: expect.stringMatching(/^ses_/),
        reason: "token_reused",
      }),
    );
    for (const secret of [account.refreshToken, account.token]) expect(JSON.stringify(logged)).not.toContain(secret);
  });

  it("ends one session and leaves the person's others alone", async () => {
    const here = await studio.newAccount();
    const there = await studio.signIn(here.email);
    await nextOf(here.refreshToken);
    studio.clock.nowMs += 10_001;
    await refresh(here.refreshToken);
    expect([await me(here), await me(there)]).toEqual([401, 200]);
    expect((await refresh(there.refreshToken)).status).toBe(200);
  });
});

describe("many requests with one refresh token at once", () => {
  it("spend it once and share one successor, twenty of them", async () => {
    const { refreshToken } = await studio.newAccount();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(refreshToken)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(await familyOf(refreshToken)).toEqual({ total: 2, unspent: 1 });
  });

  it("leave a family with one good token at most when parent and child come together", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { refreshToken } = await studio.newAccount();
      const child = await nextOf(refreshToken);
      const answers = await Promise.all([refresh(refreshToken), refresh(child), refresh(refreshToken), refresh(child)]);
      const family = await familyOf(refreshToken);
      expect(family.unspent).toBeLessThanOrEqual(1);
      // Each that was answered got the child or its one successor, and never anything else.
      const given = new Set(
        answers.flatMap(({ body }) => (body.refresh_token === undefined ? [] : [body.refresh_token])),
      );
      const grandchild = refreshSuccessor(studio.studio.services.keys.refresh, child);
      for (const token of given) expect([child, grandchild]).toContain(token);
    }
  });
});

describe("a refresh token", () => {
  it("is its successor's parent under this Sentinel's own key alone", () => {
    const token = randomBytes(32).toString("base64url");
    const [ours, theirs] = [studio.studio.services.keys.refresh, randomBytes(32)];
    expect(refreshSuccessor(ours, token)).toBe(refreshSuccessor(ours, token));
    expect(refreshSuccessor(theirs, token)).not.toBe(refreshSuccessor(ours, token));
    expect(refreshSuccessor(ours, token)).not.toBe(token);
  });

  it("is not stored, nor is its successor before it is given out", async () => {
    const { refreshToken } = await studio.newAccount();
    const successor = refreshSuccessor(studio.studio.services.keys.refresh, refreshToken);
    const found = await runAs(
      setup.ownerUrls["first"] ?? "",
      "SELECT token_hash FROM control.refresh_tokens WHERE token_hash = ANY($1)",
      [[refreshToken, successor, sha256Hex(successor), sha256Hex(refreshToken)]],
    );
    expect(found.map((row) => row["token_hash"])).toEqual([sha256Hex(refreshToken)]);
    // Who guesses the successor's place before it exists gets nothing, and harms nobody.
    expect((await refresh(successor)).body.code).toBe("invalid_token");
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  it("is neither an access token nor a session, and they are none of it", async () => {
    const account = await studio.newAccount();
    expect((await studio.send("GET", "/api/v1/me", { token: account.refreshToken })).body.code).toBe("invalid_token");
    for (const other of [account.cookie.split("=")[1] ?? "", account.token.slice(0, 43)]) {
      const answer = await refresh(other);
      expect([answer.status, answer.body.code]).toEqual([401, "invalid_token"]);
    }
    // None of it was taken for a reuse.
    expect(await me(account)).toBe(200);
  });

  it("is worth nothing after sign-out, and showing it is no reuse that could end anything else", async () => {
    const account = await studio.newAccount();
    await nextOf(account.refreshToken);
    await studio.send("POST", "/api/v1/auth/logout", { token: account.token });
    studio.clock.nowMs += 10_001;
    const answer = await refresh(account.refreshToken);
    expect(answer.body.code).toBe("invalid_token");
    expect(studio.audit.of(answer.requestId).filter(({ event }) => event.type === "session_end")).toEqual([]);
  });

  it("brings a role that changed since: the next token has the new one", async () => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "viewer");
    const door = `/api/v1/orgs/${org.slug}/auth/refresh`;
    const roleIn = (token: string): string =>
      JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).role;
    const first = await studio.send("POST", door, { body: { refresh_token: member.refreshToken } });
    expect(roleIn(first.body.access_token)).toBe("viewer");
    const change = { token: org.owner.token, body: { role: "analyst" } };
    expect((await studio.send("PATCH", `/api/v1/orgs/${org.id}/members/${member.id}`, change)).status).toBe(200);
    const second = await studio.send("POST", door, { body: { refresh_token: first.body.refresh_token } });
    expect(roleIn(second.body.access_token)).toBe("analyst");
  });
});
