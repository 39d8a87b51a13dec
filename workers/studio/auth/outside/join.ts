import type { UserId } from "../../../../core/ids.ts";
import type { Joining } from "../../../../store/control/outside/identities.ts";
import { fromPart } from "../../downstream.ts";
import { callAsUser } from "../../pipeline/call-as-user.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";

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
