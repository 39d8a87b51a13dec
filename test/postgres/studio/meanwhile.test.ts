/** What a request read at its beginning, and what became of it before its end. */
import { describe, expect, it } from "vitest";
import { makeId, parseId } from "../../../core/ids.ts";
import { signUpIdentity } from "../../../store/control/outside/identities.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { asSuperuser, controlDatabase, newOrgId, newUserId } from "../support.ts";
import { createHarness, type Harness, password } from "./harness.ts";

const random = () => crypto.getRandomValues(new Uint8Array(10));
const newId = <K extends Parameters<typeof makeId>[0]>(kind: K) => makeId(kind, Date.now(), random());

/** A studio in which something happens once, at the first call of one of its parts. */
async function interrupted(part: (services: Services, interrupt: () => Promise<void>) => Services) {
  let happening: (() => Promise<void>) | null = null;
  const interrupt = async (): Promise<void> => {
    const once = happening;
    happening = null;
    await once?.();
  };
  const meanwhile = (work: () => Promise<void>): void => {
    happening = work;
  };
  const studio = await createHarness((services) => part(services, interrupt));
  return { studio, meanwhile };
}
const toldToEnd = (studio: Harness): unknown[] =>
  studio.standIns.calls.filter(({ method }) => method === "endSessions").map(({ args }) => args[0]);

describe("a session that ends", () => {
  it.each([
    ["by sign-out", "POST", () => "/api/v1/auth/logout"],
    ["by its id", "DELETE", (session: string) => `/api/v1/me/sessions/${session}`],
  ] as const)(
    "%s is told to an organisation that its person joined while the others were told",
    async (_how, method, path) => {
      const { studio, meanwhile } = await interrupted((services, interrupt) => ({
        ...services,
        hub: {
          ...services.hub,
          endSessions: async (...told) => {
            await interrupt();
            return services.hub.endSessions(...told);
          },
        },
      }));
      const person = await studio.newAccount();
      const [before, joined] = [await studio.newOrg(person), await studio.newOrg()];
      const listed = await studio.send("GET", "/api/v1/me/sessions", { token: person.token });
      meanwhile(async () => {
        await asSuperuser(
          "INSERT INTO control.memberships (org_id, user_id, role, created_at) VALUES ($1, $2, 'viewer', now())",
          [joined.id, person.id],
        );
      });
      const answer = await studio.send(method, path(String(listed.body.items[0].id)), { token: person.token });
      expect(answer.status).toBe(204);
      expect(toldToEnd(studio)).toEqual([before.id, joined.id]);
    },
  );

  it("while its person makes an organisation is told to that one's hub before the answer", async () => {
    const { studio, meanwhile } = await interrupted((services, interrupt) => ({
      ...services,
      provisioner: {
        ...services.provisioner,
        createTenant: async (...asked) => {
          await interrupt();
          return services.provisioner.createTenant(...asked);
        },
      },
    }));
    const person = await studio.newAccount();
    const other = await studio.signIn(person.email);
    meanwhile(async () => {
      expect((await studio.send("POST", "/api/v1/auth/logout", { token: other.token })).status).toBe(204);
    });
    const body = { name: "Made meanwhile", slug: `made-${crypto.randomUUID().slice(0, 8)}` };
    const made = await studio.send("POST", "/api/v1/orgs", { token: person.token, body });
    expect(made.status).toBe(201);
    expect(toldToEnd(studio)).toEqual([made.body.id]);
  });
});

describe("a proof by the password alone", () => {
  it.each(["bearer", "cookie"] as const)(
    "proves nothing (%s) once a factor was added while it was checked",
    async (by) => {
      const { studio, meanwhile } = await interrupted((services, interrupt) => ({
        ...services,
        passwords: {
          ...services.passwords,
          verify: async (...asked) => {
            await interrupt();
            return services.passwords.verify(...asked);
          },
        },
      }));
      const person = await studio.newAccount();
      const proven = () =>
        asSuperuser("SELECT secret_hash, proven_at, ended_at FROM control.sessions WHERE user_id = $1 ORDER BY id", [
          person.id,
        ]);
      const before = await proven();
      meanwhile(async () => {
        await asSuperuser(
          `INSERT INTO control.totp_secrets (id, user_id, sealed_secret, created_at, confirmed_at, last_step)
         VALUES ($1, $2, 'sealed', now(), now(), 1)`,
          [newId("totpSecret"), person.id],
        );
      });
      const headers = { "X-Sentinel-Credential": by };
      const answer = await studio.send("POST", "/api/v1/me/step-up", {
        token: person.token,
        headers,
        body: { password },
      });
      expect([answer.status, answer.body.code]).toEqual([401, "invalid_token"]);
      expect(await proven()).toEqual(before);
    },
  );
});

describe("a sign-up through an organisation's provider", () => {
  const rules = { enabled: true, role: "viewer", domains: ["school.test"], org: true };
  it.each([
    ["gives another role by now", { ...rules, role: "analyst" }],
    ["gives none by now", { ...rules, role: null }],
    ["was disabled", { ...rules, enabled: false }],
    ["does not list the domain any more", { ...rules, domains: ["other.test"] }],
  ])("makes no account when the provider %s", async (_what, now) => {
    const { made, count } = await signUpAt(now);
    expect(made).toEqual({ kind: "refused" });
    expect(await count()).toEqual([0, 0]);
  });

  it("joins the organisation that the provider's own row names", async () => {
    const { made, org, count } = await signUpAt(rules);
    expect(made).toMatchObject({ kind: "made", joining: { scope: { org }, role: "viewer" } });
    expect(await count()).toEqual([1, 1]);
  });
});

/** Signs somebody up as `viewer`, at a provider whose row says `now`. */
async function signUpAt(now: {
  readonly enabled: boolean;
  readonly role: string | null;
  readonly domains: readonly string[];
}) {
  const [org, provider, user] = [newOrgId(), newId("provider"), newUserId()];
  const slug = `joined-${crypto.randomUUID().slice(0, 8)}`;
  const maker = newUserId();
  await asSuperuser("INSERT INTO control.users (id, email, name, created_at) VALUES ($1, $2, 'Maker', now())", [
    maker,
    `${maker}@people.test`,
  ]);
  await asSuperuser(
    `INSERT INTO control.organisations (id, slug, name, status, created_by, created_at)
     VALUES ($1, $2, 'School', 'active', $3, now())`,
    [org, slug, maker],
  );
  await asSuperuser(
    `INSERT INTO control.identity_providers (id, org_id, kind, name, issuer, client_id, signing, enabled, allow_sign_up,
       trusts_mfa, confirms_email, default_role, email_domains, created_at, updated_at)
     VALUES ($1, $2, 'oidc', 'Sign-in', $3, 'sentinel', 'jwks', $4, true, false, false, $5, $6, now(), now())`,
    [provider, org, `https://${slug}.issuer.test`, now.enabled, now.role, now.domains],
  );
  const write = { requestId: newId("request"), nowMs: Date.now() };
  const email = `${user.slice(4)}@school.test`;
  const made = await signUpIdentity(
    controlDatabase,
    write,
    { provider, subject: crypto.randomUUID(), user, email, name: "New" },
    "viewer",
    1,
  );
  const count = async () => {
    const [row] = await asSuperuser(
      `SELECT (SELECT count(*)::int FROM control.users WHERE id = $1) AS people,
         (SELECT count(*)::int FROM control.memberships WHERE user_id = $1 AND org_id = $2) AS members`,
      [user, org],
    );
    return [row?.["people"], row?.["members"]];
  };
  return { made, org: parseId("org", org), count };
}

describe("a policy that is changed while the edge is given the one of before", () => {
  it.each([
    ["an organisation's deletion", "DELETE", (slug: string) => ({ slug }), ""],
    ["a geo policy", "PUT", () => ({ countries: ["IN", "NP"] }), "/policies/geo"],
  ] as const)("is what the edge has after %s", async (_what, method, body, path) => {
    const { studio, meanwhile } = await interrupted((services, interrupt) => ({
      ...services,
      policies: {
        ...services.policies,
        put: async (...given) => {
          await interrupt();
          await services.policies.put(...given);
        },
      },
    }));
    const org = await studio.newOrg();
    const { token } = org.owner;
    meanwhile(async () => {
      await asSuperuser(
        `WITH raised AS (UPDATE control.organisations SET policy_version = policy_version + 1 WHERE id = $1)
         INSERT INTO control.org_policies (org_id, name, document, updated_by, updated_at)
         VALUES ($1, 'tls', '{"device_min":"TLSv1.2"}', $2, now())`,
        [org.id, org.owner.id],
      );
    });
    const answer = await studio.send(method, `/api/v1/orgs/${org.slug}${path}`, { token, body: body(org.slug) });
    expect([answer.status, answer.body]).toEqual([path === "" ? 202 : 200, answer.body]);
    expect(JSON.parse(studio.kv.get(`org:${org.id}`) ?? "null")).toMatchObject({ tlsDeviceMin: "TLSv1.2" });
    const [row] = await asSuperuser(
      "SELECT state_told = state_version AS told FROM control.organisations WHERE id = $1",
      [org.id],
    );
    expect(row).toEqual({ told: true });
  });
});
