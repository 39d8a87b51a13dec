/** What tests of second factors do again and again, over the API alone. */
import { randomBytes } from "node:crypto";
import { generate } from "otplib";
import { expect } from "vitest";
import { studioHeaders } from "../../../core/rpc/studio.ts";
import { type Lies, SoftwareAuthenticator } from "../../support/software-authenticator.ts";
import { type Account, type Harness, password, type Sent } from "./harness.ts";

export const origin = "https://sentinel.test";
const stepMs = 30_000;

/** An authenticator app: the secret, and which codes it shows. */
export interface App {
  readonly secret: string;
  readonly recoveryCodes: string[];
}
export interface Key {
  readonly id: string;
  readonly authenticator: SoftwareAuthenticator;
  readonly recoveryCodes: string[];
}

export function createFactorsKit(studio: Harness) {
  const { send, clock } = studio;

  /** The code that an app shows at a moment of the test's clock. */
  const codeAt = (app: Pick<App, "secret">, ms: number): Promise<string> =>
    generate({ secret: app.secret, epoch: Math.floor(ms / 1000) });
  const codeNow = (app: Pick<App, "secret">): Promise<string> => codeAt(app, clock.nowMs);
  /** A code that was not used yet: half a minute passes. */
  const freshCode = (app: Pick<App, "secret">): Promise<string> => {
    clock.nowMs += stepMs;
    return codeNow(app);
  };
  /** Six digits that none of the codes near by is. */
  async function wrongCode(app: Pick<App, "secret">): Promise<string> {
    const near = await Promise.all([-1, 0, 1].map((step) => codeAt(app, clock.nowMs + step * stepMs)));
    for (let code = 0; ; code += 1) {
      const text = String(code).padStart(6, "0");
      if (!near.includes(text)) return text;
    }
  }

  async function addApp(account: Account): Promise<App> {
    const begun = await send("POST", "/api/v1/me/mfa/totp", { token: account.token });
    expect(begun.status).toBe(200);
    const app = { secret: begun.body.secret as string };
    const body = { code: await freshCode(app) };
    const confirmed = await send("POST", "/api/v1/me/mfa/totp/confirm", { token: account.token, body });
    expect(confirmed.status).toBe(200);
    return { ...app, recoveryCodes: confirmed.body.recovery_codes ?? [] };
  }

  async function registration(account: Account): Promise<Sent["body"]> {
    const begun = await send("POST", "/api/v1/me/passkeys/options", { token: account.token });
    expect(begun.status).toBe(200);
    return begun.body;
  }

  async function register(account: Account, authenticator: SoftwareAuthenticator, lies: Lies = {}): Promise<Sent> {
    const { ceremony, options } = await registration(account);
    const body = { ceremony, response: authenticator.register(options, lies), name: "A key" };
    return send("POST", "/api/v1/me/passkeys", { token: account.token, body });
  }

  async function addKey(account: Account): Promise<Key> {
    const authenticator = new SoftwareAuthenticator(origin);
    // Its id is by the clock, and lists are by id.
    clock.nowMs += 1;
    const added = await register(account, authenticator);
    expect(added.status).toBe(201);
    return { id: added.body.id, authenticator, recoveryCodes: added.body.recovery_codes ?? [] };
  }

  const login = (account: Pick<Account, "email">, more: object = {}, door = "/api/v1"): Promise<Sent> =>
    send("POST", `${door}/auth/login?tokens=1`, {
      body: { email: account.email, password, ...more },
      ip: newAddress(),
    });

  /** The first step of somebody with a second factor. */
  async function challengeOf(account: Pick<Account, "email">, door = "/api/v1"): Promise<string> {
    const answer = await login(account, {}, door);
    expect([answer.status, answer.body.code]).toEqual([401, "mfa_required"]);
    return answer.body.challenge;
  }

  const finish = (body: object, door = "/api/v1"): Promise<Sent> =>
    send("POST", `${door}/auth/login/mfa?tokens=1`, { body, ip: newAddress() });

  const passkeySignIn = async (key: SoftwareAuthenticator, lies: Lies = {}, door = "/api/v1"): Promise<Sent> => {
    const begun = await send("POST", `${door}/auth/passkey/options`);
    const response = key.assert(begun.body.options, lies);
    return send("POST", `${door}/auth/passkey?tokens=1`, { body: { ceremony: begun.body.ceremony, response } });
  };

  const stepUp = (account: Pick<Account, "token">, body: object, headers: Record<string, string> = {}): Promise<Sent> =>
    send("POST", "/api/v1/me/step-up", { token: account.token, body, headers, ip: newAddress() });

  /** The login events that a request left, in any log. */
  async function loginsOf(answer: Pick<Sent, "requestId">) {
    await Promise.all(studio.deferred);
    return studio.audit
      .of(answer.requestId)
      .filter(({ event }) => event.type === "login")
      .map(({ log, event }) => ({ log, event: event as Extract<typeof event, { type: "login" }> }));
  }

  return {
    codeAt,
    codeNow,
    freshCode,
    wrongCode,
    addApp,
    registration,
    register,
    addKey,
    login,
    challengeOf,
    finish,
    passkeySignIn,
    stepUp,
    loginsOf,
  };
}
export type FactorsKit = ReturnType<typeof createFactorsKit>;

/** What the edge says when it exchanged a cookie. */
export const byCookie = { [studioHeaders.credential]: "cookie" };

/** Another client each time, so that what is counted by address does not mix with what a test looks at. */
export const newAddress = (): string =>
  `2001:db8:${randomBytes(2).toString("hex")}:${randomBytes(2).toString("hex")}::1`;
