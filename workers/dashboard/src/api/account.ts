/** What a signed-in person changes of themselves: password, address, factors, sessions, outside identities. */
import { useQuery } from "@tanstack/react-query";
import * as z from "zod/mini";
import { call, callOnce, callVoid, path } from "./client.ts";
import { pageRows } from "./pages.ts";
import { isProblem } from "./problem.ts";
import { type Page, pageOf, type Session, sessionSchema } from "./schemas.ts";
import type { TypedProof } from "./sign-in.ts";
import { creationCeremonySchema, givePasskey, makePasskey, requestCeremonySchema } from "./webauthn.ts";

const time = z.string();

export const securityKey = ["security"] as const;
const securitySchema = z.object({
  password: z.boolean(),
  totp: z.nullable(z.object({ created_at: time })),
  passkeys: z.number(),
  recovery_codes: z.object({ remaining: z.number() }),
  mfa: z.boolean(),
});
export type Security = z.infer<typeof securitySchema>;

/** What somebody can prove themselves with. Asks nobody to prove anything, for the question itself needs it. */
function getSecurity(signal: AbortSignal): Promise<Security> {
  return callOnce("/me/security", securitySchema, { signal });
}

export function useSecurity() {
  return useQuery({ queryKey: securityKey, queryFn: ({ signal }) => getSecurity(signal), retry: false });
}

/** True when the session is one of an organisation's identity provider, which may not look at the account. */
export function isConfined(error: unknown): boolean {
  return isProblem(error, "forbidden");
}

/** Proves that the person is still the one who signed in. The session's cookie is a new one after it. */
export async function proveIdentity(proof: TypedProof): Promise<void> {
  await callOnce("/me/step-up", z.unknown(), { method: "POST", body: proof, renewsSession: true });
}

export async function proveIdentityWithPasskey(): Promise<void> {
  const asked = await callOnce("/me/step-up/passkey-options", requestCeremonySchema, { method: "POST", body: {} });
  const passkey = await givePasskey(asked.options);
  const body = { ceremony: asked.ceremony, passkey };
  await callOnce("/me/step-up", z.unknown(), { method: "POST", body, renewsSession: true });
}

/** The first second factor of a person brings recovery codes along: shown once, kept nowhere. */
const codesSchema = z.object({ recovery_codes: z.optional(z.nullable(z.array(z.string()))) });

const totpSchema = z.object({ secret: z.string(), uri: z.string() });
export type TotpSetup = z.infer<typeof totpSchema>;

export function beginTotp(): Promise<TotpSetup> {
  return call("/me/mfa/totp", totpSchema, { method: "POST", body: {} });
}

/** @returns recovery codes, when this is the first second factor */
export async function confirmTotp(code: string): Promise<string[] | null> {
  const body = { code };
  const options = { method: "POST", body, renewsSession: true } as const;
  const answer = await call("/me/mfa/totp/confirm", z.nullable(codesSchema), options);
  return answer?.recovery_codes ?? null;
}

export function removeTotp(): Promise<void> {
  return callVoid("/me/mfa/totp", { method: "DELETE" });
}

export const passkeysKey = ["passkeys"] as const;
const passkeySchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Whether its authenticator keeps copies elsewhere (WebAuthn section 6.1.3). */
  backed_up: z.boolean(),
  created_at: time,
  last_used_at: z.nullable(time),
});
export type Passkey = z.infer<typeof passkeySchema>;
const passkeysSchema = z.object({ items: z.array(passkeySchema) });

export async function listPasskeys(signal: AbortSignal): Promise<Passkey[]> {
  return (await call("/me/passkeys", passkeysSchema, { signal })).items;
}

/** @returns recovery codes, when this is the first second factor */
export async function addPasskey(name: string): Promise<string[] | null> {
  const asked = await call("/me/passkeys/options", creationCeremonySchema, { method: "POST", body: {} });
  const response = await makePasskey(asked.options);
  const body = { ceremony: asked.ceremony, response, name };
  const answer = await call("/me/passkeys", codesSchema, { method: "POST", body, renewsSession: true });
  return answer.recovery_codes ?? null;
}

export function renamePasskey(id: string, name: string): Promise<void> {
  return callVoid(path("me", "passkeys", id), { method: "PATCH", body: { name } });
}

export function removePasskey(id: string): Promise<void> {
  return callVoid(path("me", "passkeys", id), { method: "DELETE" });
}

export async function makeRecoveryCodes(): Promise<string[]> {
  const schema = z.object({ codes: z.array(z.string()) });
  return (await call("/me/recovery-codes", schema, { method: "POST", body: {} })).codes;
}

export function changePassword(input: { current_password?: string; new_password: string }): Promise<void> {
  return callVoid("/me/password", { method: "POST", body: input });
}

/** Mails both addresses; the change happens once both have confirmed. */
export function changeEmail(email: string): Promise<void> {
  return callVoid("/me/email", { method: "POST", body: { email } });
}

export const sessionsKey = ["sessions"] as const;

/** Newest first. */
export function listSessions(cursor: string | null, signal: AbortSignal): Promise<Page<Session>> {
  return call("/me/sessions", pageOf(sessionSchema), { query: { limit: pageRows, cursor }, signal });
}

export function endSession(id: string): Promise<void> {
  return callVoid(path("me", "sessions", id), { method: "DELETE" });
}

/** Ends every session but this one. */
export function endOtherSessions(): Promise<void> {
  return callVoid("/me/sessions", { method: "DELETE" });
}

export const identitiesKey = ["identities"] as const;
const identitySchema = z.object({
  provider_id: z.string(),
  provider_name: z.string(),
  email: z.nullable(z.string()),
  linked_at: time,
});
export type Identity = z.infer<typeof identitySchema>;
const identitiesSchema = z.object({ items: z.array(identitySchema) });

export async function listIdentities(signal: AbortSignal): Promise<Identity[]> {
  return (await call("/me/identities", identitiesSchema, { signal })).items;
}

export function linkIdentity(challenge: string): Promise<void> {
  return callVoid("/me/identities/link", { method: "POST", body: { challenge } });
}

export function unlinkIdentity(provider: string): Promise<void> {
  return callVoid(path("me", "identities", provider), { method: "DELETE" });
}
