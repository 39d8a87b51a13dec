import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import type { UserId } from "../../../../core/ids.ts";
import type { StoredPasskey } from "../../../../store/control/factors/passkeys.ts";
import { ceremonyMsMax } from "./ceremony-life.ts";

/** COSE: EdDSA, ES256, RS256 (WebAuthn §5.4 asks for at least the latter two). */
const algorithms = [-8, -7, -257];

/** Whom passkeys are for: the host that people reach, and its one origin. */
interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

function relyingParty(publicUrl: URL): RelyingParty {
  return { id: publicUrl.hostname, origin: publicUrl.origin };
}

/** The handle under which an authenticator keeps the account: opaque, says nothing of the person (WebAuthn §14.6.1). */
function userHandle(user: UserId): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(user));
}

/** What a new passkey is asked for. Discoverable, so that it can be the only factor; it must verify its user. */
export function registrationOptions(
  publicUrl: URL,
  account: { readonly user: UserId; readonly email: string; readonly name: string },
  existing: readonly StoredPasskey[],
  challenge: Uint8Array<ArrayBuffer>,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  return generateRegistrationOptions({
    rpName: "Sentinel",
    rpID: relyingParty(publicUrl).id,
    userID: userHandle(account.user),
    userName: account.email,
    userDisplayName: account.name,
    challenge,
    timeout: ceremonyMsMax,
    // Which make of authenticator it is matters to nobody here, and tells about the person.
    attestationType: "none",
    excludeCredentials: existing.map(descriptor),
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    supportedAlgorithmIDs: algorithms,
  });
}

/** What a passkey is asked for. @param allowed none: whichever the person has for this host (discoverable) */
export function assertionOptions(
  publicUrl: URL,
  allowed: readonly StoredPasskey[],
  challenge: Uint8Array<ArrayBuffer>,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  return generateAuthenticationOptions({
    rpID: relyingParty(publicUrl).id,
    challenge,
    timeout: ceremonyMsMax,
    userVerification: "required",
    allowCredentials: allowed.map(descriptor),
  });
}

function descriptor({ credentialId, transports }: StoredPasskey): { id: string; transports: string[] } {
  return { id: credentialId, transports: [...transports] };
}

export interface RegisteredCredential {
  readonly credentialId: string;
  /** COSE_Key, base64url. */
  readonly publicKey: string;
  readonly counter: number;
  readonly backedUp: boolean;
}

/**
 * Verifies a registration (WebAuthn §7.1): type, challenge, origin, RP id, presence and verification of the
 * user, an algorithm that was offered. Null for anything else, malformed bytes included.
 * @param challenge base64url, as it was given out
 */
export async function verifyRegistration(
  publicUrl: URL,
  challenge: string,
  response: RegistrationResponseJSON,
): Promise<RegisteredCredential | null> {
  const { id, origin } = relyingParty(publicUrl);
  const verified = await verifyRegistrationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: id,
    requireUserVerification: true,
    supportedAlgorithmIDs: algorithms,
    // What the library throws is what the client sent: there is no I/O in it.
  }).catch(() => null);
  if (verified === null || !verified.verified) return null;
  const { credential, credentialBackedUp, fmt } = verified.registrationInfo;
  // We ask for no attestation. A browser leaves self-attestation (packed) as it is (WebAuthn §5.1.3 step 22).
  if (fmt !== "none" && fmt !== "packed") return null;
  // The id that the client names is the id that the authenticator signed for.
  if (credential.id !== response.id) return null;
  return {
    credentialId: credential.id,
    publicKey: Buffer.from(credential.publicKey).toString("base64url"),
    counter: credential.counter,
    backedUp: credentialBackedUp,
  };
}

/**
 * Verifies an assertion by a passkey of ours (WebAuthn §7.2) up to the signature. Whether its counter has
 * risen is the caller's to settle, in the same statement that stores it.
 * @returns the counter; null when anything is wrong
 */
export async function verifyAssertion(
  publicUrl: URL,
  challenge: string,
  response: AuthenticationResponseJSON,
  passkey: StoredPasskey,
): Promise<number | null> {
  const { id, origin } = relyingParty(publicUrl);
  if (response.id !== passkey.credentialId) return null;
  const handle = response.response.userHandle;
  if (handle !== undefined && handle !== Buffer.from(userHandle(passkey.user)).toString("base64url")) return null;
  const verified = await verifyAuthenticationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: id,
    requireUserVerification: true,
    credential: {
      id: passkey.credentialId,
      publicKey: new Uint8Array(Buffer.from(passkey.publicKey, "base64url")),
      // 0: the library would refuse an old counter before it looks at the signature, and only a right
      // signature with an old counter means that there is a copy.
      counter: 0,
    },
  }).catch(() => null);
  return verified?.verified === true ? verified.authenticationInfo.newCounter : null;
}
