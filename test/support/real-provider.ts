/** A real OpenID provider (oidc-provider) on loopback, and a browser that signs in at it. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

/** What the provider says of a person; by subject. Changed by tests between two sign-ins. */
export type People = Map<string, Record<string, unknown>>;

export interface RealProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly people: People;
  /** Signs a person in as a browser would, over the provider's own pages. @returns what it sends back with */
  signIn(authorizationUrl: string, subject: string): Promise<Returned>;
  stop(): Promise<void>;
}
export interface Returned {
  readonly code?: string;
  readonly error?: string;
  readonly state: string;
  readonly iss?: string;
}

/** Starts a provider with one client that may be sent back to `redirectUri`. */
export async function startRealProvider(redirectUri: string): Promise<RealProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const people: People = new Map();
  const clientId = "sentinel";
  const clientSecret = randomBytes(32).toString("base64url");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "rsa-1", use: "sig", alg: "RS256" }] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    claims: { openid: ["sub", "amr"], email: ["email", "email_verified"], profile: ["name"] },
    // The claims come in the ID token, as those of Google and Microsoft do.
    conformIdTokenClaims: false,
    // What a client leaves out a thief may leave out: the provider itself does not insist on PKCE here.
    pkce: { required: () => false },
    features: { devInteractions: { enabled: true } },
    findAccount: (_context: unknown, subject: string) => ({
      accountId: subject,
      claims: () => ({ sub: subject, ...people.get(subject) }),
    }),
  });
  server.on("request", provider.callback());
  return {
    issuer,
    clientId,
    clientSecret,
    people,
    signIn: (url, subject) => signInAt(url, subject, redirectUri),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Requests of one sign-in; a loop of redirects must end. */
const requestsMax = 20;

/** Follows redirects, fills the provider's two forms (login, consent), and stops where it would come back to us. */
async function signInAt(authorizationUrl: string, subject: string, redirectUri: string): Promise<Returned> {
  const jar = new Map<string, string>();
  let next: { url: string; form?: URLSearchParams } = { url: authorizationUrl };
  for (let count = 0; count < requestsMax; count += 1) {
    if (next.url.startsWith(redirectUri)) return Object.fromEntries(new URL(next.url).searchParams) as never;
    const response = await fetch(next.url, {
      redirect: "manual",
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(next.form === undefined ? {} : { method: "POST", body: next.form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ""] = cookie.split(";");
      jar.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    const location = response.headers.get("location");
    if (location !== null) {
      next = { url: new URL(location, next.url).href };
      continue;
    }
    const page = await response.text();
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    const action = /action="([^"]+)"/.exec(page)?.[1];
    if (prompt === undefined || action === undefined) throw new Error(`no form at ${next.url}: ${page.slice(0, 300)}`);
    const form = new URLSearchParams({ prompt, ...(prompt === "login" ? { login: subject, password: "any" } : {}) });
    next = { url: new URL(action, next.url).href, form };
  }
  throw new Error("the provider never came back");
}
