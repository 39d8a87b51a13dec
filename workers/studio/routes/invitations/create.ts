import { z } from "@hono/zod-openapi";
import type { Role } from "../../../../core/tenancy/roles.ts";
import { addInvitation } from "../../../../store/control/invitations.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { makeSecret } from "../../auth/secrets.ts";
import { stepUpDue, stepUpRefusal } from "../../auth/step-up.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { email, role } from "../../http/schemas.ts";
import { invitationMail } from "../../mail/messages.ts";
import { invitation, invitationView } from "./schemas.ts";

/** An invitation is good for a week, in milliseconds. */
const invitationMsMax = 7 * 24 * 3600_000;

const administers: ReadonlySet<Role> = new Set(["owner", "admin"]);

/** A second invitation of the same address withdraws the first, so a lost mail is simply sent again. */
export const createInvitation = defineRoute(
  "createInvitation",
  { caller: "member", body: z.strictObject({ email, role }), status: 201, answer: invitation },
  async (context, { body }) => {
    const { services, scope, membership, person } = context;
    // An administrator is made by it, so it asks for what making one of a member does.
    if (administers.has(body.role)) {
      if (person.kind === "api_key") return refuse("forbidden");
      if (stepUpDue(person, services.now())) return stepUpRefusal();
    }
    const token = makeSecret(services.randomBytes);
    const added = await addInvitation(services.database, context.write(), scope, {
      id: services.makeId("invitation"),
      email: body.email,
      role: body.role,
      invitedBy: person.user,
      tokenHash: sha256Hex(token),
      expiresAtMs: services.now() + invitationMsMax,
    });
    if (added.kind === "forbidden") return refuse("forbidden", { detail: "Only an owner may invite an owner" });
    if (added.kind === "conflict") {
      return refuse("conflict", {
        detail: "They are a member already, were invited often today, or too many invitations are open",
      });
    }
    const { publicUrl } = services;
    await services.sendMail(
      invitationMail(body.email, { publicUrl, token, organisation: membership.name, role: body.role }),
    );
    return answer(invitationView(added.invitation));
  },
);
