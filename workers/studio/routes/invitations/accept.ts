import { z } from "@hono/zod-openapi";
import type { OrgId } from "../../../../core/ids.ts";
import { organisationOfInvitation, acceptInvitation as redeem } from "../../../../store/control/invitations.ts";
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
async function whyNot(services: Services, org: OrgId): Promise<Refusal> {
  const full = await isFullOfMembers(services.database, org, services.limitScale);
  return full ? await membersFull(services, org) : refuse("not_found");
}

/** Unknown, spent, withdrawn, expired or made for another address: one answer, because each would be a hint. */
export const acceptInvitation = defineRoute(
  "acceptInvitation",
  {
    caller: "person",
    body,
    status: 200,
    answer: z.object({ org: orgOfUser }),
    log: ({ services }, { token }) => organisationOfInvitation(services.database, sha256Hex(token)),
  },
  async (context, { body: { token } }) => {
    const { services, person } = context;
    const tokenHash = sha256Hex(token);
    const org = await organisationOfInvitation(services.database, tokenHash);
    if (org === null) return refuse("not_found");
    const accept = { tokenHash, user: person.user, email: person.email, org, scale: services.limitScale };
    const accepted = await redeem(services.database, context.write(), accept);
    if (accepted === null) return await whyNot(services, org);
    const { slug, name, role } = accepted;
    context.caused(roleChange(person.user, person.user, null, role));
    const joining = { user: person.user, session: person.session, scope: { org, role } };
    await tellEndedSessions(services, joining, context.requestId);
    await syncMember(context, org, person.user, accepted);
    return answer({ org: { id: org, slug, name, role } });
  },
);
