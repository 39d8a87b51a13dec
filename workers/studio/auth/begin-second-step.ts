import type { OrgId } from "../../../core/ids.ts";
import { beginCeremony } from "../../../store/control/ceremonies.ts";
import type { SecondFactor } from "../../../store/control/factors/overview.ts";
import { type Refusal, refuse } from "../http/result.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import { ceremonyMsMax } from "./factors/ceremony-life.ts";
import type { FirstStep } from "./first-step.ts";
import { sha256Hex } from "./keys.ts";
import { appendToOrganisations, loginEvent } from "./login-events.ts";
import { makeSecret } from "./secrets.ts";

/**
 * The first step was right and the person has a second factor: a challenge for it, good for five minutes
 * and five tries, at this door alone. Recorded as an attempt that did not get in (`factor_due`), for
 * somebody else may know the first factor; the one that follows it, if it does, is recorded as itself.
 * @returns 401 `mfa_required` with `challenge` and `factors`
 * @throws AuditUnavailable
 */
export async function beginSecondStep(
  context: RequestContext,
  step: FirstStep,
  {
    due,
    memberships,
  }: { readonly due: readonly SecondFactor[]; readonly memberships: readonly { readonly org: OrgId }[] },
): Promise<Refusal> {
  const { services } = context;
  const { user, method, onlyOrg = null } = step;
  const challenge = makeSecret(services.randomBytes);
  const data = { method, only_org: onlyOrg?.org ?? null, door: context.orgReference };
  await beginCeremony(
    services.database,
    context.write(),
    {
      tokenHash: sha256Hex(challenge),
      kind: "mfa",
      user,
      session: null,
      data,
      expiresAtMs: services.now() + ceremonyMsMax,
    },
    step,
  );
  const event = loginEvent(context, user, { outcome: "failure", method, reason: "factor_due", mfa: "not_reached" });
  await appendToOrganisations(context, memberships, event);
  return refuse("mfa_required", { extensions: { challenge, factors: due }, alongside: [event] });
}
