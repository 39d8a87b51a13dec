/** Studio that may call issuers on loopback, and what tests of outside issuers do with it. */
import { expect } from "vitest";
import { createOutsideIssuers } from "../../../workers/studio/auth/outside/issuers.ts";
import { type Account, createHarness, type Harness, type Sent } from "./harness.ts";

export const redirectUri = "https://sentinel.test/sign-in/callback";

/** A browser: it keeps the ceremony cookie, and nothing else. */
export interface Browser {
  ceremony: string;
}
export const newBrowser = (): Browser => ({ ceremony: "" });

export interface IssuerToConfigure {
  readonly issuer: string;
  readonly clientSecret: string;
}

export async function createOutsideKit(loopback: readonly string[]) {
  const studio: Harness = await createHarness((services) => ({
    ...services,
    outside: createOutsideIssuers(fetch, new Set(loopback), services.now),
  }));
  const keepCookie = (browser: Browser, answer: Sent): void => {
    const cookie = answer.headers.getSetCookie().find((one) => one.startsWith("__Host-sentinel_ceremony="));
    if (cookie !== undefined) browser.ceremony = cookie.split(";")[0] ?? "";
  };
  const withCookie = (browser: Browser) => (browser.ceremony === "" ? {} : { headers: { Cookie: browser.ceremony } });

  /** Identifiers of one millisecond have no order among them; tests that look at the newest need one. */
  const tick = (): void => {
    studio.clock.nowMs += 1;
  };

  /** Makes a provider of an organisation. */
  async function newProvider(
    org: { readonly id: string; readonly owner: Account },
    issuer: IssuerToConfigure,
    settings: Record<string, unknown> = {},
  ): Promise<string> {
    const body = {
      kind: "oidc",
      name: "School sign-in",
      issuer: issuer.issuer,
      client_id: "sentinel",
      client_secret: issuer.clientSecret,
      ...settings,
    };
    const made = await studio.send("POST", `/api/v1/orgs/${org.id}/identity-providers`, {
      token: org.owner.token,
      body,
    });
    expect({ status: made.status, errors: made.body.errors }).toEqual({ status: 201, errors: undefined });
    return made.body.id;
  }

  /** Begins a sign-in and returns where the browser must go. */
  async function start(door: string | null, provider: string, browser: Browser): Promise<string> {
    const path = door === null ? "/api/v1/auth" : `/api/v1/orgs/${door}/auth`;
    const answer = await studio.send("POST", `${path}/oidc/${provider}/start`, { body: {} });
    expect(answer.status).toBe(200);
    keepCookie(browser, answer);
    return answer.body.authorization_url;
  }

  /** Brings back what the issuer said. */
  async function finish(door: string | null, browser: Browser, returned: object): Promise<Sent> {
    const path = door === null ? "/api/v1/auth" : `/api/v1/orgs/${door}/auth`;
    const answer = await studio.send("POST", `${path}/oidc/callback?tokens=1`, {
      body: returned,
      ...withCookie(browser),
    });
    keepCookie(browser, answer);
    tick();
    return answer;
  }

  const link = (account: { readonly token: string }, challenge: string, browser: Browser): Promise<Sent> =>
    studio.send("POST", "/api/v1/me/identities/link", {
      token: account.token,
      body: { challenge },
      ...withCookie(browser),
    });

  return { studio, tick, newProvider, start, finish, link };
}
export type OutsideKit = Awaited<ReturnType<typeof createOutsideKit>>;
