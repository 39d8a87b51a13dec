import type { SessionId, UserId } from "../../../../core/ids.ts";
import {
  beginCeremony,
  type CeremonyKind,
  type NewCeremony,
  takeCeremony,
} from "../../../../store/control/ceremonies.ts";
import { beginRegistration, type StoredPasskey } from "../../../../store/control/factors/passkeys.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import type { Services } from "../../services.ts";
import { sha256Hex } from "../keys.ts";
import { makeSecret } from "../secrets.ts";
import { ceremonyMsMax } from "./ceremony-life.ts";

type PasskeyCeremony = Extract<CeremonyKind, "passkey_sign_in" | "passkey_registration" | "passkey_proof">;

/** Whom a ceremony is bound to. Nobody at sign-in, where the passkey says who it is. */
export interface Bound {
  readonly user: UserId;
  readonly session: SessionId;
}

/** 256 random bits for an authenticator to sign (WebAuthn §13.4.3 asks for 128). */
export function makeChallenge(services: Pick<Services, "randomBytes">): {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: string;
} {
  const bytes = services.randomBytes(32);
  return { bytes, text: Buffer.from(bytes).toString("base64url") };
}

/** Puts down what a passkey is about to be asked. @returns the ceremony's secret and the challenge's bytes */
export async function beginPasskeyCeremony(
  context: RequestContext,
  kind: Exclude<PasskeyCeremony, "passkey_registration">,
  bound: Bound | null,
): Promise<Asked> {
  const { row, ...asked } = newCeremony(context, kind, bound);
  await beginCeremony(context.services.database, context.write(), row);
  return asked;
}

/** {@link beginPasskeyCeremony} of a new passkey. @returns what the person has besides */
export async function beginPasskeyRegistration(
  context: RequestContext,
  bound: Bound,
): Promise<Asked & { readonly own: readonly StoredPasskey[] }> {
  const { row, ...asked } = newCeremony(context, "passkey_registration", bound);
  const own = await beginRegistration(context.services.database, context.write(), { ...row, user: bound.user });
  return { ...asked, own };
}

export interface Asked {
  readonly ceremony: string;
  readonly challenge: Uint8Array<ArrayBuffer>;
}

function newCeremony(
  { services, orgReference }: RequestContext,
  kind: PasskeyCeremony,
  bound: Bound | null,
): Asked & { readonly row: NewCeremony } {
  const ceremony = makeSecret(services.randomBytes);
  const challenge = makeChallenge(services);
  const row = {
    tokenHash: sha256Hex(ceremony),
    kind,
    user: bound?.user ?? null,
    session: bound?.session ?? null,
    data: { challenge: challenge.text, door: orgReference },
    expiresAtMs: services.now() + ceremonyMsMax,
  };
  return { ceremony, challenge: challenge.bytes, row };
}

/**
 * Takes a passkey ceremony, right or wrong as its answer may be: each challenge is looked at once.
 * @returns the challenge, base64url; null when there is none of this kind, for them, at this door
 */
export async function takePasskeyCeremony(
  context: RequestContext,
  kind: PasskeyCeremony,
  ceremony: string,
  bound: Bound | null,
): Promise<string | null> {
  const to = bound === null ? {} : { user: bound.user, session: bound.session };
  const key = { tokenHash: sha256Hex(ceremony), kind, ...to };
  const taken = await takeCeremony(context.services.database, context.write(), key);
  if (taken === null || taken.data["door"] !== context.orgReference) return null;
  const { challenge } = taken.data;
  return typeof challenge === "string" ? challenge : null;
}
