import * as z from "zod/mini";
import { callOnce, callVoid, path } from "./client.ts";
import { isProblem, type ProblemFields } from "./problem.ts";
import { signedInSchema } from "./schemas.ts";
import { rememberSignedIn } from "./session-hint.ts";
import { stepUp } from "./step-up.ts";
import { givePasskey, requestCeremonySchema, requestOptionsSchema } from "./webauthn.ts";

/** Where somebody signs in: at the platform, or at the door of one organisation, which its own geo policy judges. */
export type Door = string | null;

const doorPath = (door: Door, ...rest: readonly string[]): string =>
  door === null ? path("auth", ...rest) : path("orgs", door, "auth", ...rest);

export const secondFactors = ["totp", "passkey", "recovery_code"] as const;
export type SecondFactor = (typeof secondFactors)[number];

/** The first step was right and a second is due. The challenge lives in this page's memory alone. */
export interface Challenge {
  readonly challenge: string;
  readonly factors: readonly SecondFactor[];
}

/** What a person answers a challenge with. */
export type SecondProof = { readonly otp: string } | { readonly recovery_code: string };
/** Whatever proves a person and can be typed. */
export type TypedProof = SecondProof | { readonly password: string };

async function begin(where: string, body: unknown): Promise<void> {
  await callOnce(where, signedInSchema, { method: "POST", body });
  // From here on the session is a cookie, which scripts can't read.
  rememberSignedIn(true);
  stepUp.forget();
}

/** Reads the challenge of a refusal that asks for a second factor; null for any other failure. */
export function challengeOf(error: unknown): Challenge | null {
  if (!isProblem(error, "mfa_required")) return null;
  const parsed = challengeSchema.safeParse(error.fields.extensions);
  if (!parsed.success) return null;
  const named = parsed.data.factors;
  return { challenge: parsed.data.challenge, factors: secondFactors.filter((factor) => named.includes(factor)) };
}

const challengeSchema = z.object({ challenge: z.string(), factors: z.array(z.string()) });

export function signInWithPassword(door: Door, email: string, password: string): Promise<void> {
  return begin(doorPath(door, "login"), { email, password });
}

export function answerChallenge(door: Door, challenge: string, proof: SecondProof): Promise<void> {
  return begin(doorPath(door, "login", "mfa"), { challenge, ...proof });
}

const challengeOptionsSchema = z.object({ options: requestOptionsSchema });

export async function answerChallengeWithPasskey(door: Door, challenge: string): Promise<void> {
  const body = { challenge };
  const asked = await callOnce(doorPath(door, "login", "mfa", "passkey-options"), challengeOptionsSchema, {
    method: "POST",
    body,
  });
  const passkey = await givePasskey(asked.options);
  await begin(doorPath(door, "login", "mfa"), { challenge, passkey });
}

/**
 * Signs in with a passkey alone.
 * @param offer waits for the person to pick one in the e-mail field; `chosen` is called once the browser has
 *   one and only the server's word is missing, and aborting `signal` before that takes the offer back
 */
export async function signInWithPasskey(
  door: Door,
  offer?: { readonly chosen: () => void; readonly signal: AbortSignal },
): Promise<void> {
  const asked = await callOnce(doorPath(door, "passkey", "options"), requestCeremonySchema, {
    method: "POST",
    body: {},
  });
  const response = await givePasskey(asked.options, offer?.signal);
  offer?.chosen();
  await begin(doorPath(door, "passkey"), { ceremony: asked.ceremony, response });
}

const providerSchema = z.object({ id: z.string(), name: z.string(), kind: z.string() });
export type SignInProvider = z.infer<typeof providerSchema>;
const providersSchema = z.object({ items: z.array(providerSchema) });

/** Outside issuers that this door knows. */
export async function listSignInProviders(door: Door, signal: AbortSignal): Promise<SignInProvider[]> {
  return (await callOnce(doorPath(door, "providers"), providersSchema, { signal })).items;
}

const startedSchema = z.object({ authorization_url: z.string() });

/** @returns where the browser must go */
export async function startWithProvider(door: Door, provider: string, returnTo: string): Promise<string> {
  const body = { return_to: returnTo };
  const started = await callOnce(doorPath(door, "oidc", provider, "start"), startedSchema, { method: "POST", body });
  return started.authorization_url;
}

/** What a provider returns: a code, or why there is none. */
export type ProviderReturn = { readonly state: string; readonly iss?: string } & (
  | { readonly code: string }
  | { readonly error: string }
);

/**
 * Trades what the provider sent the browser back with; the cookie of `startWithProvider` comes along. An
 * error goes the same way: what was begun is then over.
 */
export function finishWithProvider(door: Door, returned: ProviderReturn): Promise<void> {
  return begin(doorPath(door, "oidc", "callback"), returned);
}

/** An outside identity with the address of an account that exists: its holder must sign in and say yes. */
export interface LinkOffer {
  readonly challenge: string;
  readonly providerName: string;
  readonly email: string;
}

const linkSchema = z.object({ challenge: z.string(), provider_name: z.string(), email: z.string() });

/** Reads the offer of a refusal that asks for consent to link; null for any other failure. */
export function linkOfferOf(error: unknown): LinkOffer | null {
  if (!isProblem(error, "link_required")) return null;
  const parsed = linkSchema.safeParse(error.fields.extensions);
  if (!parsed.success) return null;
  const { challenge, provider_name, email } = parsed.data;
  return { challenge, providerName: provider_name, email };
}

/** Seconds to wait where failed sign-ins slow the next one down; null for any other problem. */
export function throttledSeconds(problem: ProblemFields): number | null {
  return problem.code === "throttled" ? (problem.retryAfterSeconds ?? 60) : null;
}

export function askForReset(door: Door, email: string): Promise<void> {
  return callVoid(doorPath(door, "password", "forgot"), { method: "POST", body: { email } });
}

/** @throws ApiProblem `mfa_required` when the account has a second factor and none was given; the token stays good */
export function resetPassword(
  token: string,
  password: string,
  proof: SecondProof | Record<never, never>,
): Promise<void> {
  return callVoid("/auth/password/reset", { method: "POST", body: { token, password, ...proof } });
}

const confirmedSchema = z.object({ status: z.enum(["waiting", "changed"]) });

/** @returns whether the address is changed now, or the other one has yet to agree */
export async function confirmEmail(token: string): Promise<"waiting" | "changed"> {
  return (await callOnce("/auth/email/confirm", confirmedSchema, { method: "POST", body: { token } })).status;
}
