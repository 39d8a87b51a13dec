import { z } from "@hono/zod-openapi";
import { organisationOfInvitation, acceptInvitation as redeem } from "../../../../store/control/invitations.ts";
import type { DoorScope } from "../../../../store/control/org-scope.ts";
import { isFullOfMembers } from "../../../../store/control/quotas.ts";
import { tellEndedSessions } from "../../auth/end-sockets.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type Refusal, refuse } from "../../http/result.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import { membersFull } from "../../lifecycle/quota.ts";
import type { Services } from "../../services.ts";
import { orgOfUser } from "../auth/schemas.ts";
import { roleChange } from "../members/events.ts";
import { syncMember } from "../members/sync-member.ts";

const body = z.strictObject({ token: opaqueSecret });

/** Whoever holds an open invitation may know that there is no room; anything else is one answer. */
async function whyNot(services: Services, door: DoorScope): Promise<Refusal> {
  const full = await isFullOfMembers(services.database, door, services.limitScale);
  return full ? await membersFull(services, door) : refuse("not_found");
}

/** Unknown, spent, withdrawn, expired or made for another address: one answer, because each would be a hint. */
export const acceptInvitation = defineRoute(
  "acceptInvitation",
  {
    caller: "person",
    body,
    status: 200,
    answer: z.object({ org: orgOfUser }),
    log: async ({ services }, { token }) =>
      (await organisationOfInvitation(services.database, sha256Hex(token)))?.org ?? null,
  },
  async (context, { body: { token } }) => {
    const { services, person } = context;
    const tokenHash = sha256Hex(token);
    const door = await organisationOfInvitation(services.database, tokenHash);
    if (door === null) return refuse("not_found");
    const accept = { tokenHash, user: person.user, email: person.email, scale: services.limitScale };
    const accepted = await redeem(services.database, context.write(), door, accept);
    if (accepted === null) return await whyNot(services, door);
    const { scope, slug, name, role } = accepted;
    const joined = { org: scope.org, role };
    context.caused(roleChange(person.user, person.user, null, role));
    const joining = { user: person.user, session: person.session, scope: joined };
    await tellEndedSessions(services, joining, context.requestId);
    await syncMember(context, scope, person.user, joined, { role, member: true });
    return answer({ org: { id: scope.org, slug, name, role } });
  },
);
