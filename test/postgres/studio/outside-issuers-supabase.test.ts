import { randomBytes } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HostileIssuer, startHostileIssuer } from "../../support/hostile-issuer.ts";
import { asSuperuser } from "../support.ts";
import type { Sent } from "./harness.ts";
import { createOutsideKit, newBrowser, type OutsideKit } from "./outside-kit.ts";

/** Supabase Auth's keys and tokens, served and signed as a project does. */
let server: HostileIssuer;
let issuer: string;
let kit: OutsideKit;
let org: Awaited<ReturnType<OutsideKit["studio"]["newOrg"]>>;
type Key = Awaited<ReturnType<typeof generateKeyPair>>;
const keys = new Map<string, Key>();
const sharedSecret = randomBytes(48).toString("base64url");
const joining = { allow_sign_up: true, default_role: "viewer", email_domains: ["school.test"], confirms_email: true };

beforeAll(async () => {
  server = await startHostileIssuer();
  issuer = `${server.issuer}/auth/v1`;
  for (const algorithm of ["ES256", "EdDSA", "RS256"])
    keys.set(algorithm, await generateKeyPair(algorithm, { extractable: true }));
  const published = await Promise.all(
    [...keys].map(async ([alg, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid: alg, alg, use: "sig" })),
  );
  server.paths.set("/auth/v1/.well-known/jwks.json", (_request, _body, response) =>
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ keys: published })),
  );
  kit = await createOutsideKit([server.issuer]);
  org = await kit.studio.newOrg();
  await configure(org, { issuer, ...joining });
});
afterAll(() => server.stop());

async function configure(of: typeof org, body: Record<string, unknown>): Promise<Sent> {
  const wanted = { kind: "supabase", name: "Supabase", ...body };
  const path = `/api/v1/orgs/${of.id}/identity-providers`;
  const made = await kit.studio.send("POST", path, { token: of.owner.token, body: wanted });
  return made;
}

let count = 0;
const newClaims = (): Record<string, unknown> => {
  count += 1;
  const now = Math.floor(Date.now() / 1000);
  const sub = crypto.randomUUID();
  return {
    iss: issuer,
    aud: "authenticated",
    role: "authenticated",
    sub,
    email: `pupil-${count}-${Date.now()}@school.test`,
    aal: "aal1",
    is_anonymous: false,
    iat: now,
    exp: now + 3600,
    user_metadata: { email_verified: true, full_name: "Asha Rao" },
  };
};
function sign(algorithm: string, claims: Record<string, unknown>, kid = algorithm): Promise<string> {
  const key = algorithm === "HS256" ? new TextEncoder().encode(sharedSecret) : keys.get(algorithm)!.privateKey;
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid, typ: "JWT" }).sign(key);
}
const exchange = (token: string, door: string | null = org.slug): Promise<Sent> => {
  kit.tick();
  return kit.studio.send("POST", `/api/v1${door === null ? "" : `/orgs/${door}`}/auth/exchange?tokens=1`, {
    body: { access_token: token },
  });
};
const session = async (answer: Sent) => {
  const text = "SELECT method, mfa, only_org FROM control.sessions WHERE user_id = $1 ORDER BY id DESC LIMIT 1";
  return (await asSuperuser(text, [answer.body.user.id]))[0];
};
const refused = (answer: Sent) => {
  expect([answer.status, answer.body.code]).toEqual([401, "provider_refused"]);
  const logged = kit.studio.audit.of(answer.requestId).map(({ event }) => event);
  expect(logged).toContainEqual(
    expect.objectContaining({ type: "login", method: "supabase", reason: "provider_refused" }),
  );
};

describe("a Supabase access token", () => {
  it.each(["ES256", "EdDSA", "RS256"])(
    "signed with %s by one of the project's keys opens a session",
    async (algorithm) => {
      const claims = newClaims();
      const answer = await exchange(await sign(algorithm, claims));
      expect(answer.status).toBe(200);
      expect(answer.body.user).toMatchObject({ email: claims["email"], name: "Asha Rao" });
      expect(await session(answer)).toEqual({ method: "supabase", mfa: false, only_org: org.id });
      // The same person again is the same account.
      expect((await exchange(await sign(algorithm, claims))).body.user.id).toBe(answer.body.user.id);
    },
  );

  it.each<[string, (claims: Record<string, unknown>) => Promise<string>]>([
    ["another audience", (claims) => sign("ES256", { ...claims, aud: "anon" })],
    [
      "another issuer that nobody configured",
      (claims) => sign("ES256", { ...claims, iss: "https://x.supabase.co/auth/v1" }),
    ],
    ["no expiry", ({ exp: _, ...claims }) => sign("ES256", claims)],
    ["an expiry in the past", (claims) => sign("ES256", { ...claims, exp: Math.floor(Date.now() / 1000) - 60 })],
    [
      "an age of more than a day",
      (claims) => sign("ES256", { ...claims, iat: Math.floor(Date.now() / 1000) - 25 * 3600 }),
    ],
    ["the role of the project's service key", (claims) => sign("ES256", { ...claims, role: "service_role" })],
    ["an anonymous user", (claims) => sign("ES256", { ...claims, is_anonymous: true })],
    ["no subject", ({ sub: _, ...claims }) => sign("ES256", claims)],
    ["an unknown key", (claims) => sign("ES256", claims, "nobody's")],
    ["another key's id", (claims) => sign("ES256", claims, "RS256")],
    ["HS256 with a secret, where the project has public keys", (claims) => sign("HS256", claims)],
    ["a changed signature", async (claims) => `${(await sign("EdDSA", claims)).slice(0, -4)}AAAA`],
    [
      "alg none",
      async (claims) =>
        `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`,
    ],
    ["no token at all", async () => "not a token"],
  ])("with %s: refused", async (_what, make) => refused(await exchange(await make(newClaims()))));

  it("makes no account and matches none unless the administrator says that the project confirms addresses", async () => {
    const school = await kit.studio.newOrg();
    expect((await configure(school, { issuer, ...joining, confirms_email: false })).status).toBe(201);
    // `user_metadata.email_verified` is the user's own to write, and says so here.
    const stranger = newClaims();
    expect((await exchange(await sign("ES256", stranger), school.slug)).body.code).toBe("no_account");
    const impostor = { ...newClaims(), email: school.owner.email };
    expect((await exchange(await sign("ES256", impostor), school.slug)).body.code).toBe("no_account");
  });

  it("with the address of an account asks for consent, like any other", async () => {
    const claims = { ...newClaims(), email: org.owner.email };
    const offered = await exchange(await sign("ES256", claims));
    expect([offered.status, offered.body.code]).toEqual([409, "link_required"]);
    const cookie = offered.headers.getSetCookie().find((one) => one.includes("_ceremony=")) ?? "";
    const browser = { ceremony: cookie.split(";")[0] ?? "" };
    expect((await kit.link(org.owner, offered.body.challenge, newBrowser())).status).toBe(401);
    expect((await kit.link(org.owner, offered.body.challenge, browser)).status).toBe(201);
    expect((await exchange(await sign("ES256", claims))).body.user.id).toBe(org.owner.id);
  });

  it("of two factors counts as such only where the provider is trusted for it", async () => {
    const school = await kit.studio.newOrg();
    const made = await configure(school, { issuer, ...joining });
    const claims = { ...newClaims(), aal: "aal2" };
    const first = await exchange(await sign("ES256", claims), school.slug);
    expect(await session(first)).toMatchObject({ mfa: false });
    const path = `/api/v1/orgs/${school.id}/identity-providers/${made.body.id}`;
    await kit.studio.send("PATCH", path, { token: school.owner.token, body: { trusts_mfa: true } });
    expect(await session(await exchange(await sign("ES256", claims), school.slug))).toMatchObject({ mfa: true });
    const one = await exchange(await sign("ES256", { ...claims, aal: "aal1" }), school.slug);
    expect(await session(one)).toMatchObject({ mfa: false });
  });

  it("is taken at the door of the organisation that trusts the project, and at no other", async () => {
    const elsewhere = await kit.studio.newOrg();
    const token = await sign("ES256", newClaims());
    refused(await exchange(token, elsewhere.slug));
    refused(await exchange(token, null));
    expect((await exchange(token)).status).toBe(200);
  });

  it("with forged kids makes the key set be asked for at most once in the cool-down", async () => {
    const asked = (): number => server.asked.get("/auth/v1/.well-known/jwks.json") ?? 0;
    await exchange(await sign("ES256", newClaims()));
    const before = asked();
    for (let time = 0; time < 10; time += 1)
      refused(await exchange(await sign("ES256", newClaims(), `forged-${time}`)));
    expect(asked() - before).toBeLessThanOrEqual(1);
  });
});

describe("a project that shares a secret", () => {
  it("is configured by name, with the secret sealed, and takes no public key then", async () => {
    const school = await kit.studio.newOrg();
    const made = await configure(school, { issuer, ...joining, signing: "hs256", client_secret: sharedSecret });
    expect([made.status, made.body.signing]).toEqual([201, "hs256"]);
    expect((await exchange(await sign("HS256", newClaims()), school.slug)).status).toBe(200);
    refused(await exchange(await sign("ES256", newClaims()), school.slug));
    const text = "SELECT sealed FROM control.provider_secrets WHERE provider_id = $1";
    const [row] = await asSuperuser(text, [made.body.id]);
    expect(row!["sealed"]).toMatch(/^v1\./);
    expect(row!["sealed"]).not.toContain(sharedSecret);
  });

  it("needs a secret as long as the hash; one with public keys takes none", async () => {
    const school = await kit.studio.newOrg();
    const bad = async (body: Record<string, unknown>) =>
      (await configure(school, { issuer, ...body })).body.errors[0].path;
    expect(await bad({ signing: "hs256" })).toBe("client_secret");
    expect(await bad({ signing: "hs256", client_secret: "short" })).toBe("client_secret");
    expect(await bad({ client_secret: sharedSecret })).toBe("client_secret");
    expect(await bad({ client_id: "x" })).toBe("client_id");
    const oidc = { kind: "oidc", client_id: "x", client_secret: sharedSecret, signing: "hs256" };
    expect(await bad(oidc)).toBe("signing");
  });
});
