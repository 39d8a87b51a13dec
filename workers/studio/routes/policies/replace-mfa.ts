import { sessionsWithoutMfa } from "../../../../store/control/mfa-policy.ts";
import { writePolicy } from "../../../../store/control/policies.ts";
import { tellEnded } from "../../auth/end-sockets.ts";
import { fieldErrors } from "../../http/field-errors.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { mfaGraceMsMax, mfaPolicy } from "./schemas.ts";
import { mfaView } from "./show.ts";

/** Sessions whose sockets one change closes; a further one ends with its token, within the hour. */
const closedSessionsMax = 5000;

/**
 * Replaces the organisation's policy on second factors. It counts from the next request on, for every
 * member; where it holds at once, the sockets of sessions that showed no second factor are closed too, as
 * they would otherwise stay open for the rest of their tokens' hour. Asking again closes them again.
 */
export async function replaceMfaPolicy(
  context: MemberContext,
  given: Readonly<Record<string, unknown>>,
): Promise<HandlerResult<ReturnType<typeof mfaView>>> {
  const { services, scope, person } = context;
  const parsed = mfaPolicy.safeParse(given);
  if (!parsed.success) return refuse("invalid_request", { errors: fieldErrors(parsed.error) });
  const { required, grace_until: until } = parsed.data;
  const nowMs = services.now();
  if (until !== null && until > nowMs + mfaGraceMsMax) {
    return refuse("invalid_request", { errors: [{ path: "grace_until", message: "must be within a year" }] });
  }
  // A date that has passed is none, and without a demand there is nothing to wait for.
  const policy = { required, graceUntilMs: required && until !== null && until > nowMs ? until : null };
  const document = mfaView(policy);
  await writePolicy(services.database, context.write(), scope, { user: person.user, name: "mfa", document });
  context.caused([{ type: "policy_change", user_id: person.user, policy: "mfa" }]);
  if (policy.required && policy.graceUntilMs === null) await closeSockets(context);
  return answer(document);
}

async function closeSockets(context: MemberContext): Promise<void> {
  const { services, scope, person } = context;
  const sessions = await sessionsWithoutMfa(services.database, scope, {
    nowMs: services.now(),
    except: person.user,
    limit: closedSessionsMax,
  });
  await tellEnded(services, scope.org, sessions, () => context.asUser("durable-objects.hub-control"));
}
