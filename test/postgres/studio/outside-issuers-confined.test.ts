import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exchangeSession } from "../../../workers/studio/auth/exchange-session.ts";
import { type RealProvider, startRealProvider } from "../../support/real-provider.ts";
import { asSuperuser } from "../support.ts";
import { createOutsideKit, newBrowser, type OutsideKit, redirectUri } from "./outside-kit.ts";

let real: RealProvider;
let kit: OutsideKit;
beforeAll(async () => {
  real = await startRealProvider(redirectUri);
  kit = await createOutsideKit([real.issuer]);
});
afterAll(() => real.stop());

const joining = { allow_sign_up: true, default_role: "viewer", email_domains: ["school.test"] };

/** Signs in at the provider from an organisation's door and brings the answer back. */
async function arrive(door: string, provider: string, subject: string) {
  const browser = newBrowser();
  const returned = await real.signIn(await kit.start(door, provider, browser), subject);
  return { browser, answer: await kit.finish(door, browser, returned) };
}

describe("a session that an organisation's own provider opened", () => {
  /** Somebody who is a member of two organisations, signed in by the provider of the first. */
  async function confined() {
    const [first, second] = [await kit.studio.newOrg(), await kit.studio.newOrg()];
    const id = await kit.newProvider(first, real, joining);
    const member = await kit.studio.newMember(first, "viewer");
    const body = { email: member.email, role: "admin" };
    await kit.studio.send("POST", `/api/v1/orgs/${second.id}/invitations`, { token: second.owner.token, body });
    const token = kit.studio.mailedToken(member.email);
    await kit.studio.send("POST", "/api/v1/invitations/accept", { token: member.token, body: { token } });
    const subject = `subject-of-${member.id}`;
    real.people.set(subject, { email: member.email, email_verified: true });
    const offered = await arrive(first.slug, id, subject);
    await kit.link(await kit.studio.signIn(member.email), offered.answer.body.challenge, offered.browser);
    const { answer } = await arrive(first.slug, id, subject);
    expect(answer.status).toBe(200);
    const cookie = (answer.headers.getSetCookie().find((one) => one.includes("_session=")) ?? "").split(";")[0] ?? "";
    return { first, second, member, answer, cookie };
  }
  const claims = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

  it("counts there alone: whoever runs the issuer is nobody in their members' other organisations", async () => {
    const { first, second, answer } = await confined();
    const token = answer.body.access_token;
    expect((await kit.studio.send("GET", `/api/v1/orgs/${first.id}`, { token })).status).toBe(200);
    expect((await kit.studio.send("GET", `/api/v1/orgs/${second.id}`, { token })).status).toBe(404);
    expect(answer.body.orgs.map(({ id }: { id: string }) => id)).toEqual([first.id]);
    const me = await kit.studio.send("GET", "/api/v1/me", { token });
    expect(me.body.orgs.map(({ id }: { id: string }) => id)).toEqual([first.id]);
  });

  it("changes nothing of the person's, joins nothing and founds nothing", async () => {
    const { second, member, answer } = await confined();
    const token = answer.body.access_token;
    const invite = { email: member.email, role: "viewer" };
    await kit.studio.send("POST", `/api/v1/orgs/${second.id}/invitations`, { token: second.owner.token, body: invite });
    const attempts: [string, string, unknown?][] = [
      ["POST", "/api/v1/orgs", { name: "Mine", slug: "mine-all-mine" }],
      ["POST", "/api/v1/invitations/accept", { token: kit.studio.mailedToken(member.email) }],
      ["POST", "/api/v1/me/identities/link", { challenge: "x".repeat(43) }],
      ["GET", "/api/v1/me/sessions"],
      ["GET", "/api/v1/me/identities"],
      ["DELETE", `/api/v1/me/identities/${kit.studio.studio.services.makeId("provider")}`],
    ];
    for (const [method, path, body] of attempts) {
      const refused = await kit.studio.send(method, path, { token, ...(body === undefined ? {} : { body }) });
      expect({ path, code: refused.body.code }).toEqual({ path, code: "forbidden" });
    }
  });

  it("gives tokens for no other organisation, by cookie and by refresh token", async () => {
    const { first, second, answer, cookie } = await confined();
    expect(claims(answer.body.access_token).org).toBe(first.id);
    const refreshed = await kit.studio.send("POST", "/api/v1/auth/refresh", {
      body: { refresh_token: answer.body.refresh_token },
    });
    expect(claims(refreshed.body.access_token).org).toBe(first.id);
    for (const org of [null, first.id, second.id]) {
      const secret = cookie.split("=")[1];
      const traded = await exchangeSession(kit.studio.studio.services, secret, org, "req_01h455vb4pex5vsknk084sn02q");
      expect({ org, of: traded.kind === "ok" ? claims(traded.accessToken).org : "none" }).toEqual({
        org,
        of: org === first.id ? first.id : null,
      });
    }
  });

  it("is over with the membership", async () => {
    const { first, member, answer, cookie } = await confined();
    // Taken out of the table alone: leaving by the API ends the sessions as well.
    await asSuperuser("DELETE FROM control.memberships WHERE org_id = $1 AND user_id = $2", [first.id, member.id]);
    const me = await kit.studio.send("GET", "/api/v1/me", { token: answer.body.access_token });
    expect(me.body.code).toBe("invalid_token");
    const secret = cookie.split("=")[1];
    const traded = await exchangeSession(kit.studio.studio.services, secret, null, "req_01h455vb4pex5vsknk084sn02q");
    expect(traded.kind).toBe("refused");
    const refreshed = await kit.studio.send("POST", "/api/v1/auth/refresh", {
      body: { refresh_token: answer.body.refresh_token },
    });
    expect(refreshed.body.code).toBe("invalid_token");
  });
});
