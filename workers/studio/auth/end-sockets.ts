import type { OrgId, RequestId, SessionId, UserId } from "../../../core/ids.ts";
import { accessTokenSecondsMax } from "../../../core/limits.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { recentlyEnded } from "../../../store/control/sessions.ts";
import { membershipsOf } from "../../../store/control/users.ts";
import { fromPart } from "../downstream.ts";
import { callAsUser } from "../pipeline/call-as-user.ts";
import type { Services } from "../services.ts";

/** Closes what an ended session still has open, in every organisation of its person, before it returns. @throws Unavailable */
export async function endSockets(
  services: Services,
  ended: { readonly user: UserId; readonly session: SessionId },
  requestId: RequestId,
): Promise<void> {
  const memberships: readonly { org: OrgId; role: Role }[] = await membershipsOf(services.database, ended.user);
  await fromPart("hub", () =>
    Promise.all(
      memberships.map(async (scope) => {
        const call = await callAsUser(services, { ...ended, scope }, "durable-objects.hub-control", requestId);
        await services.hub.endSession(call, scope.org, ended.session);
      }),
    ),
  );
}

/**
 * Tells the hub of an organisation that somebody is about to join which of their sessions have ended: it
 * was told of none while they were no member, and a token of such a session, good for no organisation in
 * particular, would open it for the rest of its hour. Before the hub learns of the member. @throws Unavailable
 */
export async function tellEndedSessions(
  services: Services,
  joining: { readonly user: UserId; readonly session: SessionId; readonly scope: { org: OrgId; role: Role } },
  requestId: RequestId,
): Promise<void> {
  const sinceMs = services.now() - accessTokenSecondsMax * 1000;
  const ended = await recentlyEnded(services.database, joining.user, sinceMs);
  if (ended.length === 0) return;
  await fromPart("hub", async () => {
    const call = await callAsUser(services, joining, "durable-objects.hub-control", requestId);
    await Promise.all(ended.map((session) => services.hub.endSession(call, joining.scope.org, session)));
  });
}
