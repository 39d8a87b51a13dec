import type { OrgId, RequestId, SessionId, UserId } from "../../../core/ids.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
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
