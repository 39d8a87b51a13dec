import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sessionCookieName } from "../../../core/rpc/studio.ts";

export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** The public API as a script uses it. */
export class Api {
  readonly base: string;
  readonly token: string | null;

  constructor(base: string, token: string | null = null) {
    this.base = base;
    this.token = token;
  }

  async send<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.base}${path}`, {
      method,
      redirect: "manual",
      headers: {
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(this.token === null ? {} : { Authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    let parsed: unknown = text;
    try {
      parsed = text === "" ? null : JSON.parse(text);
    } catch {
      // A page, not JSON.
    }
    return { status: response.status, headers: response.headers, body: parsed as T };
  }
}

/**
 * Signs in and returns an API that carries the access token.
 * @param door an organisation's API path, at whose door the token is for that organisation: its hub takes no other
 */
export async function signIn(
  base: string,
  email: string,
  password: string,
  door = "/api/v1",
): Promise<{ api: Api; refreshToken: string; userId: string }> {
  const { status, body } = await new Api(base).send<{
    access_token: string;
    refresh_token: string;
    user: { id: string };
  }>("POST", `${door}/auth/login?tokens=1`, { email, password });
  if (status !== 200) throw new Error(`sign-in of ${email} answered ${status}: ${JSON.stringify(body)}`);
  return { api: new Api(base, body.access_token), refreshToken: body.refresh_token, userId: body.user.id };
}

/** What a browser keeps of an answer as its session: the cookie's value. Null where none is set. */
export function sessionSecret(headers: Headers): string | null {
  const set = new RegExp(`^${sessionCookieName}=([^;]+);`);
  return (
    headers
      .getSetCookie()
      .map((cookie) => set.exec(cookie)?.[1])
      .find((secret) => secret !== undefined) ?? null
  );
}

/**
 * Signs in as a browser does, whose session is a cookie.
 * @param headers what the browser sends along
 * @returns the cookie's value
 */
export async function browserSignIn(
  base: string,
  email: string,
  password: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await new Api(base).send("POST", "/api/v1/auth/login", { email, password }, headers);
  const secret = sessionSecret(answer.headers);
  if (answer.status !== 200 || secret === null) throw new Error(`sign-in of ${email} answered ${answer.status}`);
  return secret;
}

/** What enrolment gives a device. */
export interface EnrolledDevice {
  readonly device_id: string;
  readonly token: string;
  readonly mqtt_url: string;
  readonly topic_prefix: string;
}

/** Makes an enrolment code of the demo organisation. @param api signed in as its owner */
export async function makeEnrollmentCode(api: Api, maxUses = 1): Promise<string> {
  const { status, body } = await api.send<{ code: string }>("POST", "/api/v1/orgs/demo/enrollment-codes", {
    name: "test",
    max_uses: maxUses,
    expires_in_seconds: 3600,
  });
  if (status !== 201) throw new Error(`an enrolment code answered ${status}: ${JSON.stringify(body)}`);
  return body.code;
}

/** Enrols as a machine would: with nothing but the code. */
export async function redeem(base: string, code: string, name: string): Promise<EnrolledDevice> {
  const { status, body } = await new Api(base).send<EnrolledDevice>("POST", "/api/v1/enroll", {
    code,
    name,
    platform: "test",
  });
  if (status !== 201) throw new Error(`enrolment of ${name} answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** A device of the demo organisation, with a code of its own. */
export async function enrolDevice(api: Api, name: string): Promise<EnrolledDevice> {
  return redeem(api.base, await makeEnrollmentCode(api), name);
}

type MailedPage = "verify-email" | "invitation" | "reset-password" | "confirm-email";

/** The newest link of a kind that was mailed to an address. */
export function mailedToken(mailDir: string, to: string, page: MailedPage): string {
  for (const name of readdirSync(mailDir)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .reverse()) {
    const mail = JSON.parse(readFileSync(join(mailDir, name), "utf8")) as { to: string; links: string[] };
    const link = mail.links.find((candidate) => candidate.includes(`/${page}#token=`));
    if (mail.to === to && link !== undefined) return link.slice(link.indexOf("#token=") + "#token=".length);
  }
  throw new Error(`no ${page} mail to ${to}`);
}

export const testPassword = "correct horse battery staple 9";

/** Registers, verifies and signs in a new person. */
export async function newPerson(
  base: string,
  mailDir: string,
  name: string,
): Promise<{ api: Api; userId: string; email: string; refreshToken: string }> {
  const email = `${name}.${crypto.randomUUID().slice(0, 8)}@people.test`;
  const guest = new Api(base);
  const registered = await guest.send("POST", "/api/v1/auth/register", { email, password: testPassword, name });
  if (registered.status >= 300)
    throw new Error(`register answered ${registered.status}: ${JSON.stringify(registered.body)}`);
  const verified = await guest.send("POST", "/api/v1/auth/verify-email", {
    token: mailedToken(mailDir, email, "verify-email"),
  });
  if (verified.status >= 300)
    throw new Error(`verify-email answered ${verified.status}: ${JSON.stringify(verified.body)}`);
  return { ...(await signIn(base, email, testPassword)), email };
}

/** Waits until `check` gives a value; used where the system's own work is asynchronous. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | null | undefined | false>,
  msMax = 120_000,
): Promise<T> {
  const end = Date.now() + msMax;
  for (;;) {
    const value = await check();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`not within ${msMax} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
