import { beforeAll, describe, expect, it } from "vitest";
import { exchangeSession } from "../../../workers/studio/auth/exchange-session.ts";
import { type Account, createHarness, type Harness, operatorToken, password } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const without = ({ status, body }: { status: number; body: Record<string, unknown> }) => {
  const { request_id: _, ...rest } = body;
  return { status, ...rest };
};
const exchange = async (cookie: string, at = studio) => {
  const secret = cookie.split("=")[1];
  return (await exchangeSession(at.studio.services, secret, null, "req_01h455vb4pex5vsknk084sn02q")).kind;
};
const status = async (token: string, at = studio) => (await at.send("GET", "/api/v1/me", { token })).status;
/** Nothing that the account holds opens anything. */
async function isOut(account: Account, at = studio): Promise<boolean> {
  const refresh = { body: { refresh_token: account.refreshToken } };
  const answers = [
    await status(account.token, at),
    (await at.send("POST", "/api/v1/auth/refresh", refresh)).status,
    (await exchange(account.cookie, at)) === "refused" ? 401 : 200,
  ];
  return answers.every((answer) => answer === 401);
}
/** Organisations whose hub was told that this person's sessions ended. */
const toldToEnd = (at: Harness): unknown[] =>
  at.standIns.calls.filter(({ method }) => method === "endSessions").map(({ args }) => args[0]);
const ends = (at: Harness, requestId: string) =>
  at.audit.of(requestId).flatMap(({ log, event }) => (event.type === "session_end" ? [{ log, ...event }] : []));

describe("one's own sessions", () => {
  it("are all ended but the one that asks, in every organisation, with one entry in the log", async () => {
    const own = await createHarness();
    const here = await own.newAccount();
    const [first, second] = [await own.newOrg(here), await own.newOrg(here)];
    const others = [await own.signIn(here.email), await own.signIn(here.email)];
    const ended = await own.send("DELETE", "/api/v1/me/sessions", { token: here.token });
    expect(ended.status).toBe(204);
    for (const other of others) expect(await isOut(other, own)).toBe(true);
    expect(await status(here.token, own)).toBe(200);
    expect(await exchange(here.cookie, own)).toBe("ok");
    expect(toldToEnd(own).toSorted()).toEqual([first.id, second.id].toSorted());
    const listed = await own.send("GET", "/api/v1/me/sessions", { token: here.token });
    expect(listed.body.items).toMatchObject([{ current: true }]);
    expect(ends(own, ended.requestId)).toMatchObject([
      { user_id: here.id, target_user_id: here.id, session_id: null, reason: "by_owner" },
    ]);
  });

  it("are nobody else's to end", async () => {
    const [mine, theirs] = [await studio.newAccount(), await studio.newAccount()];
    const listed = await studio.send("GET", "/api/v1/me/sessions", { token: theirs.token });
    const target = `/api/v1/me/sessions/${listed.body.items[0].id}`;
    const nobodys = "/api/v1/me/sessions/ses_01h455vb4pex5vsknk084sn02q";
    const answers = [
      await studio.send("DELETE", target, { token: mine.token }),
      await studio.send("DELETE", nobodys, { token: mine.token }),
    ];
    expect(without(answers[0]!)).toEqual(without(answers[1]!));
    await studio.send("DELETE", "/api/v1/me/sessions", { token: mine.token });
    expect(await status(theirs.token)).toBe(200);
  });
});

describe("a member's sessions", () => {
  const end = (org: { id: string }, by: Account, whom: { id: string }) =>
    studio.send("DELETE", `/api/v1/orgs/${org.id}/members/${whom.id}/sessions`, { token: by.token });

  it("are ended by an administrator, everywhere", async () => {
    const org = await studio.newOrg();
    const [admin, member] = [await studio.newMember(org, "admin"), await studio.newMember(org, "viewer")];
    const again = await studio.signIn(member.email);
    const ended = await end(org, admin, member);
    expect(ended.status).toBe(204);
    expect([await isOut(member), await isOut(again)]).toEqual([true, true]);
    const who = { user_id: admin.id, target_user_id: member.id, session_id: null };
    expect(ends(studio, ended.requestId)).toMatchObject([{ log: org.id, ...who, reason: "by_admin" }]);
    // Signed out, not shut out.
    expect(await status((await studio.signIn(member.email)).token)).toBe(200);
  });

  it("are an owner's to end when the member is one, and no other role's at all", async () => {
    const org = await studio.newOrg();
    const [second, admin] = [await studio.newMember(org, "owner"), await studio.newMember(org, "admin")];
    expect((await end(org, admin, org.owner)).body.code).toBe("forbidden");
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      expect((await end(org, await studio.newMember(org, role), admin)).body.code).toBe("forbidden");
    }
    expect(await status(org.owner.token)).toBe(200);
    expect((await end(org, second, org.owner)).status).toBe(204);
    expect(await isOut(org.owner)).toBe(true);
  });

  it("of somebody who is none are not there, also when they exist elsewhere", async () => {
    const [org, elsewhere] = [await studio.newOrg(), await studio.newOrg()];
    const theirs = await end(org, org.owner, elsewhere.owner);
    const nobodys = await end(org, org.owner, { id: "usr_01h455vb4pex5vsknk084sn02q" });
    expect(theirs.status).toBe(404);
    expect(without(theirs)).toEqual(without(nobodys));
    expect(await status(elsewhere.owner.token)).toBe(200);
  });
});

describe("a disabled member", () => {
  const patch = (org: { id: string; owner: Account }, whom: { id: string }, body: object, at = studio) =>
    at.send("PATCH", `/api/v1/orgs/${org.id}/members/${whom.id}`, { token: org.owner.token, body });

  it("loses every session at once, those that another organisation knows too", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const member = await own.newMember(org, "admin");
    const elsewhere = await own.newOrg(member);
    const disabled = await patch(org, member, { disabled: true }, own);
    expect(disabled.body).toEqual({ user_id: member.id, role: "admin", disabled: true });
    expect(await isOut(member, own)).toBe(true);
    // Here the hub forgets the member, which closes everything; there it is told of the sessions.
    const told = own.standIns.calls.filter(({ method }) => method === "putMember").at(-1);
    expect(told?.args).toEqual([org.id, member.id, null]);
    expect(toldToEnd(own)).toEqual([elsewhere.id]);
    const events = own.audit.of(disabled.requestId).map(({ log, event }) => ({ log, ...event }));
    const who = { log: org.id, target_user_id: member.id };
    expect(events).toContainEqual({ ...who, admin_id: org.owner.id, type: "account_change", action: "disabled" });
    expect(events).toContainEqual(
      expect.objectContaining({ ...who, user_id: org.owner.id, type: "session_end", reason: "disabled" }),
    );
  });

  it("is a stranger to the organisation when signed in again, and at its own door", async () => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "admin");
    await patch(org, member, { disabled: true });
    const [again, stranger] = [await studio.signIn(member.email), await studio.newAccount()];
    for (const path of ["", "/members", "/devices", "/audit", "/api-keys"]) {
      const target = `/api/v1/orgs/${org.id}${path}`;
      const [theirs, strangers] = [
        await studio.send("GET", target, { token: again.token }),
        await studio.send("GET", target, { token: stranger.token }),
      ];
      expect(theirs.status).toBe(404);
      expect(without(theirs)).toEqual(without(strangers));
    }
    expect((await studio.send("GET", "/api/v1/me", { token: again.token })).body.orgs).toEqual([]);
    const door = `/api/v1/orgs/${org.slug}/auth/login`;
    const refused = await studio.send("POST", door, { body: { email: member.email, password } });
    expect(refused.body.code).toBe("invalid_credentials");
  });

  it("can't be invited round it, nor redeem an invitation, nor let in others by one made before", async () => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "admin");
    const friend = await studio.newAccount();
    const invite = (token: string, email: string) =>
      studio.send("POST", `/api/v1/orgs/${org.id}/invitations`, { token, body: { email, role: "viewer" } });
    expect((await invite(member.token, friend.email)).status).toBe(201);
    await patch(org, member, { disabled: true });
    expect((await invite(org.owner.token, member.email)).status).toBe(409);
    const body = { token: studio.mailedToken(friend.email) };
    const accepted = await studio.send("POST", "/api/v1/invitations/accept", { token: friend.token, body });
    expect(accepted.status).toBe(404);
  });

  it("is let in again with the role and the groups of before, and the hub first hears which sessions ended", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const member = await own.newMember(org, "analyst");
    await patch(org, member, { disabled: true }, own);
    const before = own.standIns.calls.length;
    const enabled = await patch(org, member, { disabled: false }, own);
    expect(enabled.body).toEqual({ user_id: member.id, role: "analyst", disabled: false });
    const told = own.standIns.calls.slice(before).map(({ method, args }) => [method, args[0], args[2]]);
    expect(told).toEqual([
      ["endSessions", org.id, undefined],
      ["putMember", org.id, "analyst"],
    ]);
    // Only who is no member at all leaves the groups.
    expect(own.standIns.calls.some(({ method }) => method === "removeUser")).toBe(false);
    expect(await isOut(member, own)).toBe(true);
    const { token } = await own.signIn(member.email);
    expect((await own.send("GET", `/api/v1/orgs/${org.id}`, { token })).body.role).toBe("analyst");
  });

  it.each(["putMember", "endSessions"])(
    "is out of the API while %s fails, and asking again finishes it",
    async (part) => {
      const own = await createHarness();
      const org = await own.newOrg();
      const member = await own.newMember(org, "admin");
      const elsewhere = await own.newOrg(member);
      own.standIns.broken.add(part);
      expect((await patch(org, member, { disabled: true }, own)).status).toBe(503);
      expect(await isOut(member, own)).toBe(true);
      own.standIns.broken.clear();
      expect((await patch(org, member, { disabled: true }, own)).status).toBe(200);
      expect(await isOut(member, own)).toBe(true);
      expect(toldToEnd(own)).toContain(elsewhere.id);
    },
  );

  it("is told to a hub that answers after a moment within the same request", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const member = await own.newMember(org, "viewer");
    await own.newOrg(member);
    own.standIns.failures.set("endSessions", 2);
    expect((await patch(org, member, { disabled: true }, own)).status).toBe(200);
    expect(toldToEnd(own)).toHaveLength(1);
  });
});

describe("a removed member", () => {
  it("loses every session; who leaves by themselves keeps the one that asks", async () => {
    const org = await studio.newOrg();
    const [admin, member] = [await studio.newMember(org, "admin"), await studio.newMember(org, "viewer")];
    const remove = (whom: Account, by: Account) =>
      studio.send("DELETE", `/api/v1/orgs/${org.id}/members/${whom.id}`, { token: by.token });
    expect((await remove(member, admin)).status).toBe(204);
    expect(await isOut(member)).toBe(true);
    const other = await studio.signIn(admin.email);
    expect((await remove(admin, admin)).status).toBe(204);
    expect([await status(admin.token), await isOut(other)]).toEqual([200, true]);
    expect((await studio.send("GET", `/api/v1/orgs/${org.id}`, { token: admin.token })).status).toBe(404);
  });

  it("is shut out already while the removal can't be finished, and is removed when it is asked again", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const member = await own.newMember(org, "admin");
    const path = `/api/v1/orgs/${org.id}/members`;
    own.standIns.broken.add("removeUser");
    const remove = () => own.send("DELETE", `${path}/${member.id}`, { token: org.owner.token });
    expect((await remove()).status).toBe(503);
    expect(await isOut(member, own)).toBe(true);
    const listed = await own.send("GET", path, { token: org.owner.token });
    expect(
      listed.body.items.find((item: { user_id: string }) => item.user_id === member.id).disabled_at,
    ).not.toBeNull();
    own.standIns.broken.clear();
    expect((await remove()).status).toBe(204);
    expect((await own.send("GET", path, { token: org.owner.token })).body.items).toHaveLength(1);
  });
});

describe("a person whom the operator disables", () => {
  const act = (what: "disable" | "enable", email: string, at = studio) =>
    at.send("POST", `/api/v1/operator/users/${what}`, { token: operatorToken, body: { email } });

  it("is out everywhere at once, signs in no more, and is let in again with new sessions alone", async () => {
    const own = await createHarness();
    const org = await own.newOrg();
    const member = await own.newMember(org, "admin");
    const elsewhere = await own.newOrg(member);
    const disabled = await act("disable", member.email, own);
    expect(disabled.body).toEqual({
      user_id: member.id,
      organisations_without_owner: [elsewhere.id],
      keys_revoked: 0,
    });
    expect(await isOut(member, own)).toBe(true);
    expect(toldToEnd(own).toSorted()).toEqual([org.id, elsewhere.id].toSorted());
    const login = { body: { email: member.email, password } };
    expect((await own.send("POST", "/api/v1/auth/login", login)).body.code).toBe("invalid_credentials");
    const change = { type: "account_change", admin_id: null, target_user_id: member.id, action: "disabled" };
    const logs = own.audit.of(disabled.requestId).filter(({ event }) => event.type === "account_change");
    expect(logs.map(({ log }) => log).toSorted()).toEqual([elsewhere.id, org.id, null].toSorted());
    expect(logs[0]?.event).toEqual(change);
    expect((await act("enable", member.email, own)).status).toBe(200);
    expect(await isOut(member, own)).toBe(true);
    expect(await status((await own.signIn(member.email)).token, own)).toBe(200);
  });

  it("loses the keys that they made, in every organisation", async () => {
    const org = await studio.newOrg();
    const admin = await studio.newMember(org, "admin");
    const body = { name: "k", role: "admin", expires_at: new Date(studio.clock.nowMs + 3600_000).toISOString() };
    const made = await studio.send("POST", `/api/v1/orgs/${org.id}/api-keys`, { token: admin.token, body });
    expect((await act("disable", admin.email)).body).toMatchObject({ keys_revoked: 1 });
    expect(await exchange(`x=${made.body.key}`)).toBe("refused");
    expect(studio.standIns.calls.at(-1)).toMatchObject({
      method: "putMember",
      args: [org.id, made.body.user_id, null],
    });
  });

  it("is nobody's to disable but the operator's, and who has no account is not there", async () => {
    const org = await studio.newOrg();
    const body = { email: org.owner.email };
    for (const token of [org.owner.token, `sop_${"x".repeat(43)}`]) {
      expect((await studio.send("POST", "/api/v1/operator/users/disable", { token, body })).status).toBe(404);
    }
    expect((await studio.send("POST", "/api/v1/operator/users/disable", { body })).status).toBe(404);
    expect(await status(org.owner.token)).toBe(200);
    expect((await act("disable", studio.newEmail())).status).toBe(404);
  });
});
