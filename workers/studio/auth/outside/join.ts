import type { AuditFields } from "../../../../core/audit/events.ts";
import type { UserId } from "../../../../core/ids.ts";
import type { Joining } from "../../../../store/control/outside/identities.ts";
import { fromPart } from "../../downstream.ts";
import { callAsUser } from "../../pipeline/call-as-user.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { appendToOrganisations } from "../login-events.ts";

/**
 * Puts on record that somebody joined by themselves: in this request's log, which is a platform's, and in that of
 * the organisation, whose members it concerns. @throws AuditUnavailable
 */
export async function recordJoining(context: RequestContext, user: UserId, { scope, role }: Joining): Promise<void> {
  const joined: AuditFields = {
    type: "role_change",
    admin_id: user,
    target_user_id: user,
    old_role: null,
    new_role: role,
  };
  context.caused([joined]);
  await appendToOrganisations(context, [scope], joined);
}

/**
 * Tells the hub of somebody whose account was made a moment ago and whose membership came along. In their own
 * name, as whoever accepts an invitation does; their session comes next, so the call's is named for this call
 * alone and never begins. @throws Unavailable
 */
export async function tellHubOfJoining(context: RequestContext, user: UserId, { scope, role }: Joining): Promise<void> {
  const { services, requestId } = context;
  const { org } = scope;
  const subject = { user, session: services.makeId("session"), scope: { org, role } };
  await fromPart("hub", async () => {
    const call = await callAsUser(services, subject, "durable-objects.hub-control", requestId);
    await services.hub.putMember(call, org, user, role);
  });
}
