import {
  type AuthenticationResponseJSON,
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
} from "@simplewebauthn/browser";
import * as z from "zod/mini";
import { ApiProblem, clientProblem } from "./problem.ts";

/**
 * Options of a ceremony go from the server to the browser as they are; the browser judges each member
 * (WebAuthn Level 3, parseRequestOptionsFromJSON), so this page only looks that there is a challenge.
 */
export const requestOptionsSchema = z.looseObject({ challenge: z.string() });
const creationOptionsSchema = z.looseObject({ challenge: z.string(), user: z.looseObject({ id: z.string() }) });
/** Options with the name by which the server knows the ceremony again. */
export const requestCeremonySchema = z.object({ ceremony: z.string(), options: requestOptionsSchema });
export const creationCeremonySchema = z.object({ ceremony: z.string(), options: creationOptionsSchema });
type Options = { readonly challenge: string };

export const passkeysWork = browserSupportsWebAuthn;
export const passkeysFillIn = browserSupportsWebAuthnAutofill;

/**
 * Lets the browser ask for a passkey.
 * @param offer offers passkeys within the e-mail field instead, until this is aborted
 * @throws ApiProblem `passkey_failed` when none was given
 */
export async function givePasskey(options: Options, offer?: AbortSignal): Promise<AuthenticationResponseJSON> {
  // The library knows one ceremony at a time, this one until it ends: what is aborted later is another's.
  const stop = (): void => WebAuthnAbortService.cancelCeremony();
  try {
    offer?.throwIfAborted();
    offer?.addEventListener("abort", stop);
    const optionsJSON = options as unknown as PublicKeyCredentialRequestOptionsJSON;
    return await startAuthentication({ optionsJSON, useBrowserAutofill: offer !== undefined });
  } catch (error) {
    throw new ApiProblem(passkeyProblem(error, "No passkey was used"));
  } finally {
    offer?.removeEventListener("abort", stop);
  }
}

/** Lets the browser make a passkey. @throws ApiProblem `passkey_failed` when none was made */
export async function makePasskey(options: Options): Promise<RegistrationResponseJSON> {
  try {
    return await startRegistration({ optionsJSON: options as unknown as PublicKeyCredentialCreationOptionsJSON });
  } catch (error) {
    throw new ApiProblem(passkeyProblem(error, "No passkey was made"));
  }
}

/** Names of DOMException by WebAuthn Level 3; the browser tells no more, so that no page learns who holds which key. */
const details: Readonly<Record<string, string>> = {
  NotAllowedError: "It was cancelled, or took too long. You can try again.",
  AbortError: "It was cancelled. You can try again.",
  InvalidStateError: "This device holds a passkey of your account already.",
  NotSupportedError: "This device can’t make passkeys of the kind Sentinel needs.",
  SecurityError: "Passkeys of Sentinel don’t work at this address.",
};

export function passkeyProblem(error: unknown, title: string) {
  // The library wraps the browser's own error and keeps its name.
  const name = error instanceof Error ? error.name : "";
  const detail = details[name] ?? "The browser could not do it. Try again, or use another way.";
  return clientProblem("passkey_failed", title, detail, 0, null);
}
