import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessionCookieName } from "../../core/rpc/studio.ts";
import { SoftwareAuthenticator } from "../support/software-authenticator.ts";
import { Api, newPerson, sessionSecret, testPassword } from "./support/api.ts";
import { AuthenticatorApp } from "./support/one-time-codes.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";

/** Second factors over the whole system, in the runtime that serves them: edge, studio in workerd, real keys. */

interface Ceremony {
  readonly ceremony: string;
  // biome-ignore lint/suspicious/noExplicitAny: a browser's own options, which a test hands to its authenticator
  readonly options: any;
}
interface Problem {
  readonly code: string;
  readonly challenge: string;
}

let stack: BorrowedStack;
let url: string;
beforeAll(async () => {
  stack = await borrowStack();
  url = stack.description.url;
});
afterAll(async () => {
  await stack?.discard();
});

const person = () => newPerson(url, stack.description.mailDir, "factors");
const login = (email: string, more: object = {}) =>
  new Api(url).send<Problem>("POST", "/api/v1/auth/login?tokens=1", { email, password: testPassword, ...more });
const cookieOf = (headers: Headers): string => sessionSecret(headers) ?? "";

describe("second factors on the running system", () => {
  it("an authenticator app is asked for at the next sign-in, and its code finishes it once", async () => {
    const { api, email } = await person();
    const begun = await api.send<{ secret: string }>("POST", "/api/v1/me/mfa/totp", {});
    expect(begun.status).toBe(200);
    const app = new AuthenticatorApp(begun.body.secret);
    const confirmed = await api.send<{ recovery_codes: string[] }>("POST", "/api/v1/me/mfa/totp/confirm", {
      code: await app.next(),
    });
    expect([confirmed.status, confirmed.body.recovery_codes?.length]).toEqual([200, 10]);
    const first = await login(email);
    expect([first.status, first.body.code]).toEqual([401, "mfa_required"]);
    const guest = new Api(url);
    const otp = await app.next();
    const finish = (challenge: string, proof: object) =>
      guest.send<Problem>("POST", "/api/v1/auth/login/mfa", { challenge, ...proof });
    const done = await finish(first.body.challenge, { otp });
    expect(done.status).toBe(200);
    expect(cookieOf(done.headers)).not.toBe("");
    expect((await finish((await login(email)).body.challenge, { otp })).body.code).toBe("invalid_credentials");
    const rescued = await finish((await login(email)).body.challenge, {
      recovery_code: confirmed.body.recovery_codes[3],
    });
    expect(rescued.status).toBe(200);
  });

  it("a passkey is registered and signs in by itself, at our own origin alone", async () => {
    const { api, userId } = await person();
    const begun = await api.send<Ceremony>("POST", "/api/v1/me/passkeys/options", {});
    const key = new SoftwareAuthenticator(url);
    const response = key.register(begun.body.options);
    const added = await api.send("POST", "/api/v1/me/passkeys", { ceremony: begun.body.ceremony, response, name: "k" });
    expect(added.status).toBe(201);
    const guest = new Api(url);
    const signIn = async (lies: object = {}) => {
      const { body } = await guest.send<Ceremony>("POST", "/api/v1/auth/passkey/options", {});
      const answer = { ceremony: body.ceremony, response: key.assert(body.options, lies) };
      return guest.send<{ user?: { id: string } }>("POST", "/api/v1/auth/passkey", answer);
    };
    const done = await signIn();
    expect([done.status, done.body.user?.id]).toEqual([200, userId]);
    expect((await signIn({ origin: "https://sentinel.example" })).status).toBe(401);
    expect((await signIn({ rpId: "sentinel.example" })).status).toBe(401);
  });

  it("a proof by cookie brings another cookie, and the one before is dead at the edge at once", async () => {
    const { email } = await person();
    const signedIn = await login(email);
    const before = cookieOf(signedIn.headers);
    const by = (secret: string) => ({ Cookie: `${sessionCookieName}=${secret}`, Origin: url });
    const me = (secret: string) => new Api(url).send("GET", "/api/v1/me", undefined, by(secret));
    expect((await me(before)).status).toBe(200);
    const proof = { password: testPassword };
    const proven = await new Api(url).send("POST", "/api/v1/me/step-up", proof, by(before));
    expect(proven.status).toBe(204);
    const after = cookieOf(proven.headers);
    expect([after === "", after === before]).toEqual([false, false]);
    expect((await me(before)).status).toBe(401);
    expect((await me(after)).status).toBe(200);
  });
});
