import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RealProvider, startRealProvider } from "../../support/real-provider.ts";
import { asSuperuser } from "../support.ts";
import { type Account, operatorToken, type Sent } from "./harness.ts";
import { createOutsideKit, newBrowser, type OutsideKit, redirectUri } from "./outside-kit.ts";

let real: RealProvider;
let kit: OutsideKit;
beforeAll(async () => {
  real = await startRealProvider(redirectUri);
  kit = await createOutsideKit([real.issuer]);
});
afterAll(() => real.stop());

let count = 0;
/** A person whom the provider knows. */
function newSubject(claims: Record<string, unknown> = {}): { subject: string; email: string } {
  count += 1;
  const subject = `subject-${count}-${Date.now()}`;
  const email = `${subject}@school.test`;
  real.people.set(subject, { email, email_verified: true, name: "Asha Rao", ...claims });
  return { subject, email };
}
const events = (answer: Sent) => kit.studio.audit.of(answer.requestId).map(({ event }) => event);

/** Signs in at the provider from an organisation's door and brings the answer back. */
async function arrive(door: string, provider: string, subject: string, browser = newBrowser()) {
  const returned = await real.signIn(await kit.start(door, provider, browser), subject);
  return { browser, returned, answer: await kit.finish(door, browser, returned) };
}
const joining = { allow_sign_up: true, default_role: "viewer", email_domains: ["school.test"] };

describe("an organisation's provider", () => {
  it("shows at its own door, and at no other", async () => {
    const [ours, theirs] = [await kit.studio.newOrg(), await kit.studio.newOrg()];
    const id = await kit.newProvider(ours, real);
    // Other files make the platform's own meanwhile, which stand at every door under another name.
    const at = async (path: string) =>
      (await kit.studio.send("GET", `/api/v1${path}/auth/providers`)).body.items.filter(
        ({ name }: { name: string }) => name === "School sign-in",
      );
    expect(await at(`/orgs/${ours.slug}`)).toEqual([{ id, name: "School sign-in", kind: "oidc" }]);
    expect(await at(`/orgs/${theirs.slug}`)).toEqual([]);
    expect(await at("")).toEqual([]);
    for (const path of [`/api/v1/orgs/${theirs.slug}/auth`, "/api/v1/auth"]) {
      const elsewhere = await kit.studio.send("POST", `${path}/oidc/${id}/start`, { body: {} });
      expect(elsewhere.body.code).toBe("not_found");
    }
  });

  it("lets nobody in whom it knows but we don't, unless it may make accounts", async () => {
    const org = await kit.studio.newOrg();
    const { subject } = newSubject();
    const { answer } = await arrive(org.slug, await kit.newProvider(org, real), subject);
    expect([answer.status, answer.body.code]).toEqual([403, "no_account"]);
    expect(events(answer)).toContainEqual(
      expect.objectContaining({ type: "login", outcome: "failure", method: "oidc", reason: "not_linked" }),
    );
  });

  it("makes an account that joins with the default role, for an address of a listed domain", async () => {
    const org = await kit.studio.newOrg();
    const { subject, email } = newSubject();
    const id = await kit.newProvider(org, real, joining);
    const { answer } = await arrive(org.slug, id, subject);
    expect(answer.status).toBe(200);
    expect(answer.body.user).toMatchObject({ email, name: "Asha Rao" });
    expect(answer.body.orgs).toEqual([expect.objectContaining({ id: org.id, role: "viewer" })]);
    expect(events(answer)).toContainEqual(
      expect.objectContaining({ type: "factor_change", factor: "external_identity", action: "added" }),
    );
    const told = kit.studio.standIns.calls.find(
      ({ method, args }) => method === "putMember" && args[1] === answer.body.user.id,
    );
    expect(told?.args).toEqual([org.id, answer.body.user.id, "viewer"]);
    // The same subject is the same account, over a new sign-in.
    expect((await arrive(org.slug, id, subject)).answer.body.user.id).toBe(answer.body.user.id);
  });

  it("makes no account for an address of another domain: it would stand outside", async () => {
    const org = await kit.studio.newOrg();
    const { subject } = newSubject({ email: `x-${Date.now()}@elsewhere.test` });
    const id = await kit.newProvider(org, real, joining);
    expect((await arrive(org.slug, id, subject)).answer.body.code).toBe("no_account");
  });

  it("makes no account for an address that it has not verified, whatever else it says", async () => {
    const org = await kit.studio.newOrg();
    const id = await kit.newProvider(org, real, joining);
    for (const email_verified of [false, undefined, "true"]) {
      const { subject, email } = newSubject({ email_verified });
      expect((await arrive(org.slug, id, subject)).answer.body.code).toBe("no_account");
      expect(await asSuperuser("SELECT 1 FROM control.users WHERE email = $1", [email])).toEqual([]);
    }
  });

  it("removed people stay removed, though the provider still knows them", async () => {
    const org = await kit.studio.newOrg();
    const id = await kit.newProvider(org, real, joining);
    const { subject } = newSubject();
    const { answer } = await arrive(org.slug, id, subject);
    const path = `/api/v1/orgs/${org.id}/members/${answer.body.user.id}`;
    expect((await kit.studio.send("DELETE", path, { token: org.owner.token })).status).toBe(204);
    expect((await arrive(org.slug, id, subject)).answer.body.code).toBe("invalid_credentials");
  });

  it("lets a disabled account in no more than its password would", async () => {
    const org = await kit.studio.newOrg();
    const id = await kit.newProvider(org, real, joining);
    const { subject } = newSubject();
    const { answer } = await arrive(org.slug, id, subject);
    await asSuperuser("UPDATE control.users SET disabled_at = now() WHERE id = $1", [answer.body.user.id]);
    const again = (await arrive(org.slug, id, subject)).answer;
    expect(again.body.code).toBe("provider_refused");
    expect(events(again)).toContainEqual(expect.objectContaining({ type: "login", reason: "disabled" }));
  });

  it("ends with its removal: the identity is gone, the account and its data stay", async () => {
    const org = await kit.studio.newOrg();
    const id = await kit.newProvider(org, real, joining);
    const { subject, email } = newSubject();
    await arrive(org.slug, id, subject);
    const path = `/api/v1/orgs/${org.id}/identity-providers/${id}`;
    expect((await kit.studio.send("DELETE", path, { token: org.owner.token })).status).toBe(204);
    const gone = await kit.studio.send("POST", `/api/v1/orgs/${org.slug}/auth/oidc/${id}/start`, { body: {} });
    expect(gone.status).toBe(404);
    expect(await asSuperuser("SELECT 1 FROM control.users WHERE email = $1", [email])).toHaveLength(1);
  });
});

describe("an address that has an account", () => {
  /** A member of the organisation with a password, whose address the provider knows too. */
  async function memberAtProvider(claims: Record<string, unknown> = {}) {
    const org = await kit.studio.newOrg();
    const id = await kit.newProvider(org, real, joining);
    const member = await kit.studio.newMember(org, "analyst");
    const { subject } = newSubject({ email: member.email.toUpperCase(), ...claims });
    return { org, id, member, subject };
  }

  it("is never linked for the address's sake: its owner signs in and consents, once, in that browser", async () => {
    const { org, id, member, subject } = await memberAtProvider();
    const { answer, browser } = await arrive(org.slug, id, subject);
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: "link_required", provider_name: "School sign-in", email: member.email });
    expect(answer.headers.getSetCookie().join()).not.toContain("__Host-sentinel_session");

    const signedIn = await kit.studio.signIn(member.email);
    const { challenge } = answer.body;
    const linked = await kit.link(signedIn, challenge, browser);
    expect([linked.status, linked.body]).toEqual([201, { provider_id: id, joined: false }]);
    expect(events(linked)).toContainEqual(
      expect.objectContaining({
        type: "factor_change",
        user_id: member.id,
        factor: "external_identity",
        action: "added",
      }),
    );
    expect((await kit.link(signedIn, challenge, browser)).body.code).toBe("invalid_token");

    const now = (await arrive(org.slug, id, subject)).answer;
    expect([now.status, now.body.user.id]).toEqual([200, member.id]);
    const mine = await kit.studio.send("GET", "/api/v1/me/identities", { token: signedIn.token });
    expect(mine.body.items).toEqual([
      expect.objectContaining({ provider_id: id, kind: "oidc", org_id: org.id, email: member.email }),
    ]);
  });

  it("makes a challenge that another person, or another browser, links nothing with", async () => {
    const { org, id, member, subject } = await memberAtProvider();
    const { answer, browser } = await arrive(org.slug, id, subject);
    const { challenge } = answer.body;
    const thief = await kit.studio.newAccount();
    const owner = await kit.studio.signIn(member.email);
    expect((await kit.link(thief, challenge, browser)).body.code).toBe("invalid_token");
    // A challenge that a stranger began, planted in its owner's page: the cookie is the stranger's.
    expect((await kit.link(owner, challenge, newBrowser())).body.code).toBe("invalid_token");
    const other = await arrive(org.slug, id, subject);
    expect((await kit.link(owner, challenge, other.browser)).body.code).toBe("invalid_token");
    expect((await kit.link(owner, challenge, browser)).status).toBe(201);
  });

  it("that is not verified matches no account", async () => {
    const { org, id, subject } = await memberAtProvider({ email_verified: false });
    expect((await arrive(org.slug, id, subject)).answer.body.code).toBe("no_account");
  });

  it("links one identity when two consents race for it", async () => {
    const { org, id, member, subject } = await memberAtProvider();
    const [one, two] = [await arrive(org.slug, id, subject), await arrive(org.slug, id, subject)];
    const owner = await kit.studio.signIn(member.email);
    const answers = await Promise.all([
      kit.link(owner, one.answer.body.challenge, one.browser),
      kit.link(owner, two.answer.body.challenge, two.browser),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const rows = await asSuperuser("SELECT user_id FROM control.identities WHERE provider_id = $1", [id]);
    expect(rows).toEqual([{ user_id: member.id }]);
  });

  it("goes with the subject, not with the address: a changed one keeps the account, a reused one gets none", async () => {
    const { org, id, member, subject } = await memberAtProvider();
    const { answer, browser } = await arrive(org.slug, id, subject);
    await kit.link(await kit.studio.signIn(member.email), answer.body.challenge, browser);
    // Married: the same subject under another address.
    real.people.set(subject, { email: `new-${Date.now()}@school.test`, email_verified: true });
    expect((await arrive(org.slug, id, subject)).answer.body.user.id).toBe(member.id);
    // The old address is given to somebody new at the provider.
    const heir = newSubject({ email: member.email });
    expect((await arrive(org.slug, id, heir.subject)).answer.body.code).toBe("link_required");
  });

  it("two first sign-ins of one subject at once make one account", async () => {
    const org = await kit.studio.newOrg();
    const id = await kit.newProvider(org, real, joining);
    const { subject, email } = newSubject();
    const [a, b] = [newBrowser(), newBrowser()];
    const first = await real.signIn(await kit.start(org.slug, id, a), subject);
    const second = await real.signIn(await kit.start(org.slug, id, b), subject);
    const answers = await Promise.all([kit.finish(org.slug, a, first), kit.finish(org.slug, b, second)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await asSuperuser("SELECT 1 FROM control.users WHERE email = $1", [email])).toHaveLength(1);
  });
});

describe("unlinking", () => {
  it("takes an identity away that is not the last way in", async () => {
    const org = await kit.studio.newOrg();
    const id = await kit.newProvider(org, real);
    const member = await kit.studio.newMember(org, "viewer");
    const { subject } = newSubject({ email: member.email });
    const { answer, browser } = await arrive(org.slug, id, subject);
    const owner: Account = await kit.studio.signIn(member.email);
    await kit.link(owner, answer.body.challenge, browser);
    const removed = await kit.studio.send("DELETE", `/api/v1/me/identities/${id}`, { token: owner.token });
    expect(removed.status).toBe(204);
    expect(events(removed)).toContainEqual(
      expect.objectContaining({ type: "factor_change", factor: "external_identity", action: "removed" }),
    );
    expect((await arrive(org.slug, id, subject)).answer.body.code).toBe("link_required");
    expect((await kit.studio.send("DELETE", `/api/v1/me/identities/${id}`, { token: owner.token })).status).toBe(404);
  });

  it("leaves an account without password and passkey its last identity", async () => {
    const member = await kit.studio.newMember(await kit.studio.newOrg(), "viewer");
    const org = await kit.studio.newOrg();
    const id = await kit.newProvider(org, real);
    await asSuperuser(
      "INSERT INTO control.identities (provider_id, subject, user_id, created_at) VALUES ($1, 's', $2, now())",
      [id, member.id],
    );
    await asSuperuser("UPDATE control.users SET password_hash = NULL WHERE id = $1", [member.id]);
    const refused = await kit.studio.send("DELETE", `/api/v1/me/identities/${id}`, { token: member.token });
    expect([refused.status, refused.body.code]).toEqual([409, "conflict"]);
    expect(await asSuperuser("SELECT 1 FROM control.identities WHERE user_id = $1", [member.id])).toHaveLength(1);
  });
});

describe("a platform-wide provider", () => {
  it("opens a whole session, at the platform's door and at every organisation's for its members", async () => {
    const body = {
      kind: "oidc",
      name: "Everybody's",
      issuer: real.issuer,
      client_id: real.clientId,
      client_secret: real.clientSecret,
      allow_sign_up: true,
    };
    const made = await kit.studio.send("POST", "/api/v1/operator/identity-providers", { token: operatorToken, body });
    expect(made.status).toBe(201);
    const id = made.body.id;
    try {
      const { subject, email } = newSubject();
      const browser = newBrowser();
      const returned = await real.signIn(await kit.start(null, id, browser), subject);
      const answer = await kit.finish(null, browser, returned);
      expect([answer.status, answer.body.user.email, answer.body.orgs]).toEqual([200, email, []]);
      const token = answer.body.access_token;
      const founded = { name: "A School", slug: `founded-${Date.now()}` };
      expect((await kit.studio.send("POST", "/api/v1/orgs", { token, body: founded })).status).toBe(201);
      expect((await arrive(founded.slug, id, subject)).answer.status).toBe(200);
      // Begun at one door, judged by its geo policy, a sign-in is not completed at another.
      for (const [begun, ended] of [
        [founded.slug, null],
        [null, founded.slug],
      ] as const) {
        const elsewhere = newBrowser();
        const carried = await real.signIn(await kit.start(begun, id, elsewhere), subject);
        expect((await kit.finish(ended, elsewhere, carried)).body.code).toBe("provider_refused");
      }
      const stranger = newSubject();
      expect((await arrive(founded.slug, id, stranger.subject)).answer.body.code).toBe("no_account");
    } finally {
      const path = `/api/v1/operator/identity-providers/${id}`;
      expect((await kit.studio.send("DELETE", path, { token: operatorToken })).status).toBe(204);
    }
  });

  it("is the operator's alone to make", async () => {
    const { owner } = await kit.studio.newOrg();
    const answer = await kit.studio.send("GET", "/api/v1/operator/identity-providers", { token: owner.token });
    expect(answer.body.code).toBe("not_found");
  });
});

it("a challenge to link is good for ten minutes", async () => {
  // A studio of its own: others' clocks stay where they are.
  const later = await createOutsideKit([real.issuer]);
  const org = await later.studio.newOrg();
  const id = await later.newProvider(org, real);
  const { subject } = newSubject({ email: org.owner.email });
  const browser = newBrowser();
  const offered = async () =>
    later.finish(org.slug, browser, await real.signIn(await later.start(org.slug, id, browser), subject));
  const { challenge } = (await offered()).body;
  later.studio.clock.nowMs += 10 * 60_000;
  const owner = await later.studio.signIn(org.owner.email);
  expect((await later.link(owner, challenge, browser)).body.code).toBe("invalid_token");
});
