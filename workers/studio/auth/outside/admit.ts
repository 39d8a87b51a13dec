import type { LoginFailureReason } from "../../../../core/audit/vocabulary.ts";
import type { UserId } from "../../../../core/ids.ts";
import type { ProblemCode } from "../../../../core/problem.ts";
import { beginCeremony } from "../../../../store/control/ceremonies.ts";
import type { DoorScope } from "../../../../store/control/org-scope.ts";
import {
  type AccountView,
  resolveIdentity,
  signUpIdentity,
  touchIdentity,
} from "../../../../store/control/outside/identities.ts";
import type { JoiningRole, Provider } from "../../../../store/control/outside/providers.ts";
import { type HandlerResult, type Refusal, refuse } from "../../http/result.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { completeSignIn, type LoginAnswer, recordFailure } from "../complete-sign-in.ts";
import { sha256Hex } from "../keys.ts";
import { makeSecret } from "../secrets.ts";
import { ceremonyCookie, ceremonyMsMax } from "./ceremony-cookie.ts";
import type { OutsideIdentity, Proof } from "./identity.ts";
import { recordJoining, tellHubOfJoining } from "./join.ts";

/** How somebody came, and where to. */
export interface Arrival {
  readonly provider: Provider;
  readonly method: "oidc" | "supabase";
  /** The organisation whose door was used; null: the platform's. */
  readonly door: DoorScope | null;
  /** True when the client asked for tokens besides the cookie. */
  readonly tokens: boolean;
}

/** Lets in whoever an issuer proved, or says what is missing. Every failed attempt is a login event. */
export async function admit(
  context: RequestContext,
  arrival: Arrival,
  proof: Proof,
): Promise<HandlerResult<LoginAnswer>> {
  if (proof.kind === "unreachable") return refuse("unavailable", { headers: { "Retry-After": "2" } });
  if (proof.kind === "refused") return deny(context, arrival, null, "provider_refused", "provider_refused");
  const { identity } = proof;
  const { provider } = arrival;
  const key = { provider: provider.id, subject: identity.subject };
  const { database } = context.services;
  let found = await resolveIdentity(database, key, identity.verifiedEmail);
  if (found.kind === "unknown") {
    const made = await signUp(context, arrival, identity);
    if (made !== null) return signIn(context, arrival, identity, made);
    // Another request of the same person may have been first.
    found = await resolveIdentity(database, key, identity.verifiedEmail);
  }
  if (found.kind === "unknown") return deny(context, arrival, null, "not_linked", "no_account");
  const { account } = found;
  if (account.disabled) return deny(context, arrival, account.id, "disabled", "provider_refused");
  if (found.kind === "address_taken") return offerLink(context, arrival, identity, account);
  await touchIdentity(database, key, identity.verifiedEmail, context.services.now());
  return signIn(context, arrival, identity, account);
}

/** The platform's own rules of a sign-in go on from here: membership at an organisation's door, second factor, session. */
function signIn(
  context: RequestContext,
  { provider, method, tokens }: Arrival,
  identity: OutsideIdentity,
  account: Pick<AccountView, "id" | "email" | "name">,
): Promise<HandlerResult<LoginAnswer>> {
  return completeSignIn(context, {
    user: account.id,
    email: account.email,
    name: account.name,
    method,
    strong: provider.trustsMfa && identity.mfa,
    onlyOrg: provider.ownDoor,
    rehashed: null,
    tokens,
  });
}

/**
 * Makes an account where the provider may: the address is verified and nobody's. At an organisation's door
 * the account must come with a membership, or it would stand outside: its own provider's rule of joining, and its
 * plan's room for one more.
 */
async function signUp(
  context: RequestContext,
  { provider, door }: Arrival,
  identity: OutsideIdentity,
): Promise<Pick<AccountView, "id" | "email" | "name"> | null> {
  const { services } = context;
  const email = identity.verifiedEmail;
  if (email === null || !provider.allowSignUp) return null;
  const role = joiningRole(provider, email);
  if (door !== null && role === null) return null;
  const user: UserId = services.makeId("user");
  const name = identity.name ?? email.slice(0, email.indexOf("@"));
  const made = { provider: provider.id, subject: identity.subject, user, email, name };
  const signedUp = await signUpIdentity(services.database, context.write(), made, role, services.limitScale);
  if (signedUp.kind === "refused") return null;
  const { joining } = signedUp;
  context.caused([{ type: "factor_change", user_id: user, factor: "external_identity", action: "added" }]);
  if (joining !== null) {
    await recordJoining(context, user, joining);
    await tellHubOfJoining(context, user, joining);
  }
  return { id: user, email, name };
}

/** The role of the membership that comes with an address of a domain that the organisation listed. */
function joiningRole(provider: Provider, email: string): JoiningRole | null {
  const domain = email.slice(email.lastIndexOf("@") + 1);
  return provider.ownDoor !== null && provider.emailDomains.includes(domain) ? provider.defaultRole : null;
}

/**
 * An account has this address. It is not linked for the address's sake, whatever the issuer says: its owner
 * signs in as always and then consents with this challenge, in this browser.
 */
async function offerLink(
  context: RequestContext,
  arrival: Arrival,
  identity: OutsideIdentity,
  account: AccountView,
): Promise<HandlerResult<never>> {
  const { services } = context;
  const challenge = makeSecret(services.randomBytes);
  const browser = makeSecret(services.randomBytes);
  await beginCeremony(services.database, context.write(), {
    tokenHash: sha256Hex(challenge),
    kind: "link",
    user: account.id,
    session: null,
    data: {
      provider: arrival.provider.id,
      subject: identity.subject,
      email: identity.verifiedEmail,
      browser_hash: sha256Hex(browser),
    },
    expiresAtMs: services.now() + ceremonyMsMax,
  });
  return refuse("link_required", {
    headers: { "Set-Cookie": ceremonyCookie(browser) },
    extensions: { challenge, provider_name: arrival.provider.name, email: account.email },
    alongside: [recordFailure(context, account.id, { method: arrival.method, reason: "not_linked" })],
  });
}

/** A failed attempt in the log, and what the client is told of it. */
function deny(
  context: RequestContext,
  { method }: Pick<Arrival, "method">,
  who: UserId | null,
  reason: LoginFailureReason,
  code: ProblemCode,
): Refusal {
  return refuse(code, { alongside: [recordFailure(context, who, { method, reason })] });
}

/** An attempt that never reached an issuer: an unknown, spent or foreign ceremony. */
export function denyBeforeIssuer(context: RequestContext): Refusal {
  return deny(context, { method: "oidc" }, null, "provider_refused", "provider_refused");
}

/** A token of no issuer that this door knows. */
export function denyToken(context: RequestContext): Refusal {
  return deny(context, { method: "supabase" }, null, "provider_refused", "provider_refused");
}
