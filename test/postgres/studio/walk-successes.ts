/** What must be there before a route can do its work: one arrangement for each that the walk can't simply call. */
import { randomBytes } from "node:crypto";
import type { RouteName } from "../../../core/routes.ts";
import type { RealProvider } from "../../support/real-provider.ts";
import { SoftwareAuthenticator } from "../../support/software-authenticator.ts";
import { asSuperuser } from "../support.ts";
import { createFactorsKit, origin } from "./factors-kit.ts";
import { type Account, type Harness, operatorToken, password, type SendOptions } from "./harness.ts";
import { newBrowser, type OutsideKit } from "./outside-kit.ts";
import { id } from "./walk-kit.ts";

/** A Supabase project: its people, and tokens of theirs. */
export interface SupabasePeople {
  readonly issuer: string;
  next(): { readonly sub: string; readonly email: string };
  sign(sub: string, email: string): Promise<string>;
}

type Org = Awaited<ReturnType<Harness["newOrg"]>>;
export interface Arranged extends Pick<SendOptions, "body" | "headers" | "token"> {
  /** In place of the route's own path with invented ids. */
  readonly target?: string;
}
export type Arrange = (org: Org) => Promise<Arranged>;

const fresh = "lanterns over quiet water";

export function createArrangements(
  kit: OutsideKit,
  real: RealProvider,
  people: SupabasePeople,
): Partial<Record<RouteName, Arrange>> {
  const { studio } = kit;
  const factors = createFactorsKit(studio);
  const { send } = studio;
  const operator = { token: operatorToken };
  const at = (org: Org, path: string): string => `/api/v1/orgs/${org.slug}/${path}`;
  const operatorAt = (org: Org, path: string): string => `/api/v1/operator/orgs/${org.slug}/${path}`;
  const by = (account: Account) => ({ token: account.token });
  const mailed = (path: string, email: string, more: object = {}): Arranged => ({
    target: path,
    body: { token: studio.mailedToken(email), ...more },
  });
  const made = async (org: Org, path: string, body: object): Promise<string> =>
    (await send("POST", at(org, path), { ...by(org.owner), body })).body.id;
  const streamOf = async (org: Org): Promise<string> => {
    const body = { url: "https://siem.school.test/hook", format: "json" };
    return (await send("PUT", at(org, "audit/stream"), { ...by(org.owner), body })).body.id;
  };
  const exportOf = (org: Org): Promise<string> => made(org, "exports", { source: "inventory", format: "csv" });
  /** Of somebody else, who may see all of it. */
  const waitingExport = async (org: Org): Promise<string> => {
    const { token } = await studio.newMember(org, "admin");
    const asked = { token, body: { source: "inventory", format: "csv" } };
    const { id } = (await send("POST", at(org, "exports"), asked)).body;
    await asSuperuser("UPDATE control.exports SET state = 'waiting_approval' WHERE id = $1", [id]);
    return id;
  };
  const destinationOf = (org: Org): Promise<string> =>
    made(org, "export-destinations", { kind: "webhook", name: "ours", url: "https://hook.school.test/in" });
  const member = async (org: Org): Promise<Account> => studio.newMember(org, "viewer");
  const door = (org: Org | null): string => (org === null ? "/api/v1" : `/api/v1/orgs/${org.slug}`);

  const forgotten = async (where: Org | null, { owner }: Org): Promise<Arranged> => {
    await send("POST", `${door(where)}/auth/password/forgot`, { body: { email: owner.email } });
    await Promise.all(studio.deferred);
    return mailed(`${door(where)}/auth/password/reset`, owner.email, { password: fresh });
  };
  const newAddress = async (where: Org | null, { owner }: Org): Promise<Arranged> => {
    const email = studio.newEmail();
    await send("POST", "/api/v1/me/email", { ...by(owner), body: { email } });
    await Promise.all(studio.deferred);
    // Both addresses must agree; the old one did.
    const old = { token: studio.mailedToken(owner.email) };
    await send("POST", `${door(where)}/auth/email/confirm`, { body: old });
    return mailed(`${door(where)}/auth/email/confirm`, email);
  };
  const withApp = async (where: Org | null, { owner }: Org): Promise<Arranged> => {
    const app = await factors.addApp(owner);
    const challenge = await factors.challengeOf(owner, door(where));
    return { body: { challenge, otp: await factors.freshCode(app) } };
  };
  const withKeyAsSecond = async (where: Org | null, { owner }: Org): Promise<Arranged> => {
    await factors.addKey(owner);
    return { body: { challenge: await factors.challengeOf(owner, door(where)) } };
  };
  const withKey = async (where: Org | null, { owner }: Org): Promise<Arranged> => {
    const key = await factors.addKey(owner);
    const begun = await send("POST", `${door(where)}/auth/passkey/options`);
    return { body: { ceremony: begun.body.ceremony, response: key.authenticator.assert(begun.body.options) } };
  };
  const platformProvider = async (): Promise<string> => {
    const body = {
      kind: "oidc",
      name: "Everybody's",
      issuer: real.issuer,
      client_id: "sentinel",
      client_secret: real.clientSecret,
    };
    const made = await send("POST", "/api/v1/operator/identity-providers", { ...operator, body });
    if (made.status === 201) return made.body.id;
    // An issuer is the platform's once.
    const { items } = (await send("GET", "/api/v1/operator/identity-providers", operator)).body;
    return items.find(({ issuer }: { issuer: string }) => issuer === real.issuer).id;
  };
  const newSubject = (email: string): string => {
    const subject = `walk-${randomBytes(6).toString("hex")}`;
    real.people.set(subject, { email, email_verified: true, name: "Asha Rao" });
    return subject;
  };
  const returned = async (where: Org | null, provider: string, subject: string) => {
    const browser = newBrowser();
    const slug = where === null ? null : where.slug;
    const body = await real.signIn(await kit.start(slug, provider, browser), subject);
    return { browser, body };
  };
  const operatorProviders = (provider: string): string => `/api/v1/operator/identity-providers/${provider}`;
  const signUp = { allow_sign_up: true, confirms_email: true };
  const joining = { allow_sign_up: true, default_role: "viewer", email_domains: ["school.test"] };
  /** Somebody whose account and identity are linked, and the challenge before they were. */
  const toLink = async (org: Org, provider: string) => {
    const { browser, body } = await returned(org, provider, newSubject(org.owner.email));
    const answer = await kit.finish(org.slug, browser, body);
    return { challenge: answer.body.challenge as string, browser };
  };

  return {
    async verifyEmail() {
      const email = studio.newEmail();
      await send("POST", "/api/v1/auth/register", { body: { email, password, name: "A" } });
      await Promise.all(studio.deferred);
      return mailed("/api/v1/auth/verify-email", email);
    },
    resetPassword: (org) => forgotten(null, org),
    orgResetPassword: (org) => forgotten(org, org),
    confirmEmail: (org) => newAddress(null, org),
    orgConfirmEmail: (org) => newAddress(org, org),
    refresh: async ({ owner }) => ({ body: { refresh_token: owner.refreshToken } }),
    orgRefresh: async ({ owner }) => ({ body: { refresh_token: owner.refreshToken } }),
    loginMfa: (org) => withApp(null, org),
    orgLoginMfa: (org) => withApp(org, org),
    loginMfaPasskeyOptions: (org) => withKeyAsSecond(null, org),
    orgLoginMfaPasskeyOptions: (org) => withKeyAsSecond(org, org),
    passkeySignIn: (org) => withKey(null, org),
    orgPasskeySignIn: (org) => withKey(org, org),
    async stepUpPasskeyOptions({ owner }) {
      await factors.addKey(owner);
      return {};
    },
    async confirmTotp({ owner }) {
      const begun = await send("POST", "/api/v1/me/mfa/totp", by(owner));
      return { body: { code: await factors.freshCode({ secret: begun.body.secret }) } };
    },
    async removeTotp({ owner }) {
      await factors.addApp(owner);
      return {};
    },
    async addPasskey({ owner }) {
      const { ceremony, options } = await factors.registration(owner);
      const response = new SoftwareAuthenticator(origin).register(options);
      return { body: { ceremony, response, name: "A key" } };
    },
    renamePasskey: async ({ owner }) => ({ target: `/api/v1/me/passkeys/${(await factors.addKey(owner)).id}` }),
    removePasskey: async ({ owner }) => ({ target: `/api/v1/me/passkeys/${(await factors.addKey(owner)).id}` }),
    async renewRecoveryCodes({ owner }) {
      await factors.addApp(owner);
      return {};
    },
    async endMySession({ owner }) {
      await studio.signIn(owner.email);
      const { items } = (await send("GET", "/api/v1/me/sessions", by(owner))).body;
      const other = items.find(({ current }: { current: boolean }) => !current);
      return { target: `/api/v1/me/sessions/${other.id}` };
    },
    changePassword: async () => ({ body: { current_password: password, new_password: fresh } }),
    async restoreOrg(org) {
      await send("DELETE", `/api/v1/orgs/${org.slug}`, { ...by(org.owner), body: { slug: org.slug } });
      return {};
    },
    changeMember: async (org) => ({ target: at(org, `members/${(await member(org)).id}`), body: { role: "analyst" } }),
    removeMember: async (org) => ({ target: at(org, `members/${(await member(org)).id}`) }),
    async eraseAuditSubject(org) {
      const { id: gone } = await member(org);
      await send("DELETE", at(org, `members/${gone}`), by(org.owner));
      return { target: at(org, `audit/subjects/${gone}`) };
    },
    endMemberSessions: async (org) => ({ target: at(org, `members/${(await member(org)).id}/sessions`) }),
    async revokeInvitation(org) {
      const id = await made(org, "invitations", { email: studio.newEmail(), role: "viewer" });
      return { target: at(org, `invitations/${id}`) };
    },
    async acceptInvitation(org) {
      const account = await studio.newAccount();
      await made(org, "invitations", { email: account.email, role: "viewer" });
      await Promise.all(studio.deferred);
      return { ...mailed("/api/v1/invitations/accept", account.email), ...by(account) };
    },
    async confirmGeo(org) {
      const body = { countries: ["IN", "DE"], revert_after_minutes: 10 };
      await send("PUT", at(org, "policies/geo"), { ...by(org.owner), body });
      return {};
    },
    addGeoException: async (org) => ({ target: at(org, `policies/geo/exceptions/${(await member(org)).id}`) }),
    async removeGeoException(org) {
      const until = new Date(studio.clock.nowMs + 24 * 3600_000).toISOString();
      const path = `policies/geo/exceptions/${(await member(org)).id}`;
      return { target: at(org, `policies/geo/exceptions/${await made(org, path, { country: "DE", until })}`) };
    },
    addGroupMember: async (org) => ({ target: at(org, `groups/${id("group")}/members/${(await member(org)).id}`) }),
    async useBreakGlass(org) {
      const { code } = (await send("POST", at(org, "policies/geo/break-glass-code"), by(org.owner))).body;
      return { body: { code } };
    },
    async revokeApiKey(org) {
      const expires_at = new Date(studio.clock.nowMs + 3600_000).toISOString();
      return { target: at(org, `api-keys/${await made(org, "api-keys", { name: "k", role: "viewer", expires_at })}`) };
    },
    cancelExport: async (org) => ({ target: at(org, `exports/${await exportOf(org)}`) }),
    async createExportTicket(org) {
      const exported = await exportOf(org);
      await asSuperuser(
        `UPDATE control.exports SET state = 'done', stage = 'whole', finished_at = now(),
           expires_at = now() + interval '7 days' WHERE id = $1`,
        [exported],
      );
      return { target: at(org, `exports/${exported}/tickets`) };
    },
    async approveExport(org) {
      return { target: at(org, `exports/${await waitingExport(org)}/approve`) };
    },
    async rejectExport(org) {
      return { target: at(org, `exports/${await waitingExport(org)}/reject`) };
    },
    async changeExportDestination(org) {
      return { target: at(org, `export-destinations/${await destinationOf(org)}`) };
    },
    async removeExportDestination(org) {
      return { target: at(org, `export-destinations/${await destinationOf(org)}`) };
    },
    async testExportDestination(org) {
      return { target: at(org, `export-destinations/${await destinationOf(org)}/test`) };
    },
    async removeAuditStream(org) {
      await streamOf(org);
      return {};
    },
    async rotateAuditStreamSecret(org) {
      await streamOf(org);
      return {};
    },
    async resumeAuditStream(org) {
      await streamOf(org);
      return {};
    },
    async testAuditStream(org) {
      await streamOf(org);
      return {};
    },
    async resendAuditStream(org) {
      const stream = await streamOf(org);
      await asSuperuser(
        `INSERT INTO control.audit_stream_dead_letters (stream_id, first_seq, last_seq, failure, died_at)
         VALUES ($1, 1, 2, 'failing', now())`,
        [stream],
      );
      return { target: at(org, "audit/stream/dead-letters/1/resend") };
    },
    // Up is asked for.
    changePlan: async () => ({ body: { plan: "school" } }),
    async openBillingPortal(org) {
      await asSuperuser("INSERT INTO control.subscriptions (org_id, customer) VALUES ($1, 'cus_1')", [org.id]);
      return {};
    },
    async operatorMarkPaid(org) {
      const invoice = id("invoice");
      const party = '{"name":"x","address":"","gstin":null,"state":null}';
      await asSuperuser(
        `INSERT INTO control.invoices (id, org_id, number, period, issued_at, due_at, currency, seller, buyer, lines,
           net_minor, cgst_minor, sgst_minor, igst_minor, total_minor)
         VALUES ($1, $2, 'S2627/' || lpad((random() * 999999)::int::text, 6, '0'), '2026-01-01', now(),
           now() + interval '15 days', 'INR', $3, $3, '[{}]', 100, 0, 0, 0, 100)`,
        [invoice, org.id, party],
      );
      return { body: { invoice, reference: "UTR1" } };
    },
    async enableUser({ owner }) {
      await send("POST", "/api/v1/operator/users/disable", { ...operator, body: { email: owner.email } });
      return {};
    },
    async operatorResumeOrg(org) {
      await send("POST", operatorAt(org, "suspend"), operator);
      return {};
    },
    async operatorRestoreOrg(org) {
      await send("POST", operatorAt(org, "delete"), operator);
      return {};
    },
    startOidc: async () => ({ target: `/api/v1/auth/oidc/${await platformProvider()}/start` }),
    orgStartOidc: async (org) => ({ target: at(org, `auth/oidc/${await kit.newProvider(org, real)}/start`) }),
    async finishOidc(org) {
      const provider = await platformProvider();
      const subject = newSubject(org.owner.email);
      const first = await returned(null, provider, subject);
      const { challenge } = (await kit.finish(null, first.browser, first.body)).body;
      await kit.link(org.owner, challenge, first.browser);
      const { browser, body } = await returned(null, provider, subject);
      return { body, headers: { Cookie: browser.ceremony } };
    },
    async orgFinishOidc(org) {
      const provider = await kit.newProvider(org, real, joining);
      const { browser, body } = await returned(org, provider, newSubject(studio.newEmail()));
      return { body, headers: { Cookie: browser.ceremony } };
    },
    async linkIdentity(org) {
      const account = await studio.newAccount();
      const { challenge, browser } = await toLink(
        { ...org, owner: account },
        await kit.newProvider(org, real, joining),
      );
      return { body: { challenge }, headers: { Cookie: browser.ceremony }, ...by(account) };
    },
    createPlatformProvider: async () => ({
      body: {
        kind: "supabase",
        name: "Supabase",
        issuer: `https://${randomBytes(8).toString("hex")}.supabase.co/auth/v1`,
        signing: "hs256",
        client_secret: "s".repeat(64),
      },
    }),
    async removeIdentity(org) {
      const { challenge, browser } = await toLink(org, await kit.newProvider(org, real));
      await kit.link(org.owner, challenge, browser);
      const { items } = (await send("GET", "/api/v1/me/identities", by(org.owner))).body;
      return { target: `/api/v1/me/identities/${items[0].id ?? items[0].provider_id}` };
    },
    getIdentityProvider: async (org) => ({
      target: at(org, `identity-providers/${await kit.newProvider(org, real)}`),
    }),
    changeIdentityProvider: async (org) => ({
      target: at(org, `identity-providers/${await kit.newProvider(org, real)}`),
    }),
    removeIdentityProvider: async (org) => ({
      target: at(org, `identity-providers/${await kit.newProvider(org, real)}`),
    }),
    async retireProviderSecret(org) {
      const path = `identity-providers/${await kit.newProvider(org, real)}`;
      await made(org, `${path}/secrets`, { client_secret: "t".repeat(64) });
      const { secrets } = (await send("GET", at(org, path), by(org.owner))).body;
      return { target: at(org, `${path}/secrets/${secrets.at(-1).id}`) };
    },
    getPlatformProvider: async () => ({ target: operatorProviders(await platformProvider()) }),
    changePlatformProvider: async () => ({ target: operatorProviders(await platformProvider()) }),
    removePlatformProvider: async () => ({ target: operatorProviders(await platformProvider()) }),
    addPlatformProviderSecret: async () => ({ target: `${operatorProviders(await platformProvider())}/secrets` }),
    async retirePlatformProviderSecret() {
      const target = operatorProviders(await platformProvider());
      await send("POST", `${target}/secrets`, { ...operator, body: { client_secret: "t".repeat(64) } });
      const { secrets } = (await send("GET", target, operator)).body;
      return { target: `${target}/secrets/${secrets.at(-1).id}` };
    },
    exchangeToken: async () => {
      const { sub, email } = people.next();
      const body = { kind: "supabase", name: "Supabase", issuer: people.issuer, ...signUp };
      await send("POST", "/api/v1/operator/identity-providers", { ...operator, body });
      return { body: { access_token: await people.sign(sub, email) } };
    },
    async orgExchangeToken(org) {
      const { sub, email } = people.next();
      const body = { kind: "supabase", name: "Supabase", issuer: people.issuer, confirms_email: true, ...joining };
      await made(org, "identity-providers", body);
      return { body: { access_token: await people.sign(sub, email) } };
    },
    addProviderSecret: async (org) => ({
      target: at(org, `identity-providers/${await kit.newProvider(org, real)}/secrets`),
    }),
  };
}
