import type { AuditFields } from "../../../core/audit/events.ts";
import type { LoginFailureReason, LoginMethod } from "../../../core/audit/vocabulary.ts";
import type { OrgId, UserId } from "../../../core/ids.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { secondFactors } from "../../../store/control/factors/overview.ts";
import { ownThings } from "../../../store/control/own-things.ts";
import { type MembershipOfUser, membershipsOf } from "../../../store/control/users.ts";
import { afterAnswer } from "../after-answer.ts";
import { maySignInFromHere } from "../geo/judge-person.ts";
import { answer, type HandlerResult, refuse } from "../http/result.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import { beginSecondStep } from "./begin-second-step.ts";
import { sessionCookie } from "./cookie.ts";
import { deviceCookie } from "./device-cookie.ts";
import { checkCode, type PresentedCode } from "./factors/check-factor.ts";
import type { FirstStep } from "./first-step.ts";
import { appendToOrganisations, appendToOrganisationsOf, loginEvent } from "./login-events.ts";
import { beginSession, isOrg, scopeOf, type TokenAnswer, tokenAnswer } from "./sign-in.ts";

/** What every completed sign-in answers with. */
export interface LoginAnswer extends Partial<TokenAnswer> {
  readonly user: { readonly id: UserId; readonly email: string; readonly name: string };
  readonly orgs: { readonly id: OrgId; readonly slug: string; readonly name: string; readonly role: Role }[];
}

/**
 * The rest of a sign-in, the same for every method: the door (an organisation's own opens to its members
 * alone), the second factor where the person has one, then the session.
 */
export async function completeSignIn(context: RequestContext, step: FirstStep): Promise<HandlerResult<LoginAnswer>> {
  const { services } = context;
  const { user, method, otp } = step;
  const { memberships: everywhere, factors } = await ownThings(services.database, user);
  const memberships = counting(context, step, everywhere);
  if (memberships === null) return denySignIn(context, user, { method, reason: "not_a_member" });
  const due = step.strong || factors === null ? [] : secondFactors(factors);
  if (due.length === 0) return finishSignIn(context, step, { memberships, mfa: step.strong });
  if (otp === undefined || !due.includes("totp")) {
    return beginSecondStep(context, step, { due, memberships });
  }
  const refused = await judgeCode(context, step, { otp }, method);
  return refused ?? finishSignIn(context, step, { memberships, mfa: true });
}

/** Null when a code of the person's is right. A wrong one is an attempt at the account, and is logged as one. */
export async function judgeCode(
  context: RequestContext,
  who: { readonly user: UserId; readonly email: string },
  code: PresentedCode,
  method: LoginMethod,
): Promise<HandlerResult<never> | null> {
  const checked = await checkCode(context, who, code);
  switch (checked.kind) {
    case "right":
      return null;
    case "wrong":
      return denySignIn(context, who.user, { method, reason: "factor_failed", mfa: "failed" });
    case "throttled": {
      const recorded = recordFailure(context, who.user, { method, reason: "throttled", mfa: "failed" });
      return { ...checked.refusal, alongside: [recorded] };
    }
  }
}

/** The memberships that a session of this sign-in counts in; null: none opens the door that was used. */
export async function countingMemberships(
  context: RequestContext,
  step: Pick<FirstStep, "user" | "onlyOrg">,
): Promise<readonly MembershipOfUser[] | null> {
  return counting(context, step, await membershipsOf(context.services.database, step.user));
}

function counting(
  { orgReference }: RequestContext,
  { onlyOrg = null }: Pick<FirstStep, "onlyOrg">,
  everywhere: readonly MembershipOfUser[],
): readonly MembershipOfUser[] | null {
  const memberships = onlyOrg === null ? everywhere : everywhere.filter(({ org }) => org === onlyOrg.org);
  return orgReference !== null && !memberships.some(isOrg(orgReference)) ? null : memberships;
}

/** The session, the events, the answer; for whoever has proven all that is asked of them. */
export async function finishSignIn(
  context: RequestContext,
  step: Omit<FirstStep, "strong" | "otp">,
  proven: { readonly memberships: readonly MembershipOfUser[]; readonly mfa: boolean },
): Promise<HandlerResult<LoginAnswer>> {
  const { services, orgReference } = context;
  const { user, method, tokens, onlyOrg = null, rehashed, passwordHash } = step;
  const { memberships, mfa } = proven;
  const door = orgReference === null ? null : (memberships.find(isOrg(orgReference))?.org ?? null);
  if (!(await maySignInFromHere(context, door, user))) return refuse("geo_denied");
  const session = await beginSession(context, user, { method, mfa, tokens, onlyOrg, rehashed, passwordHash });
  // It was right when it was checked, and is not any more.
  if (session === null) return denySignIn(context, user, { method, reason: "wrong_password" });
  const event = loginEvent(context, user, { outcome: "success", method, mfa: mfa ? "passed" : "none" });
  await appendToOrganisations(context, memberships, event);
  // Whoever has a second factor has shown it to get here: without one shown there is none.
  const holder = { kind: "person", mfa, hasFactor: false } as const;
  const subject = { user, session: session.id, scope: scopeOf(memberships, orgReference, holder, services.now()) };
  const issued = session.refreshToken === null ? {} : await tokenAnswer(context, subject, session.refreshToken);
  const person = { id: user, email: step.email, name: step.name };
  return answer(
    { user: person, orgs: memberships.map(orgView), ...issued },
    {
      // An organisation's own issuer makes no browser known: whoever runs it would be spared the account's throttle.
      headers: {
        "Set-Cookie": [sessionCookie(session.secret), ...(onlyOrg === null ? [deviceCookie(context, user)] : [])],
      },
      alongside: [event],
    },
  );
}

function orgView({ org, slug, name, role }: MembershipOfUser): LoginAnswer["orgs"][number] {
  return { id: org, slug, name, role };
}

/** A failed attempt: by what, and why as an investigator counts it. The client is told neither. */
export interface FailedAttempt {
  readonly method: LoginMethod;
  readonly reason: LoginFailureReason;
  /** `failed` when the second factor was what failed; default `not_reached`. */
  readonly mfa?: "failed" | "not_reached";
}

/**
 * The same for an unknown person, an address that is not proven yet, a wrong password, a disabled account
 * and a stranger at an organisation's door. The organisations' copies are written after the answer:
 * waiting for them would tell by its time that the person exists. The platform's event is durable before it.
 */
export async function denySignIn(
  context: RequestContext,
  who: UserId | null,
  attempt: FailedAttempt,
): Promise<HandlerResult<never>> {
  return refuse("invalid_credentials", { alongside: [recordFailure(context, who, attempt)] });
}

/** The event of a failure whose answer is not the usual one; the organisations get theirs after the answer. */
export function recordFailure(context: RequestContext, who: UserId | null, attempt: FailedAttempt): AuditFields {
  const event = loginEvent(context, who, { outcome: "failure", mfa: "not_reached", ...attempt });
  if (who !== null) afterAnswer(context, "copyToOrganisations", appendToOrganisationsOf(context, who, event));
  return event;
}
