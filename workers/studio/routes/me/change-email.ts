import { z } from "@hono/zod-openapi";
import { beginEmailChange } from "../../../../store/control/email-changes.ts";
import { mailLater } from "../../auth/factors/record-change.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { makeSecret } from "../../auth/secrets.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { email } from "../../http/schemas.ts";
import { addressTakenMail, leaveAddressMail, takeAddressMail } from "../../mail/messages.ts";

/** Both links are good for so long, in milliseconds. */
const changeMsMax = 24 * 3600_000;

/**
 * Asks both addresses; nothing changes until both have agreed. The answer is the same whether or not the
 * new address has an account: only its own mailbox is told.
 */
export const changeEmail = defineRoute(
  "changeEmail",
  {
    caller: "person",
    body: z.strictObject({ email }),
    status: 202,
    answer: z.object({ status: z.literal("confirmation_sent") }),
  },
  async (context, { body }) => {
    const { services, person } = context;
    if (body.email === person.email)
      return refuse("invalid_request", { errors: [{ path: "email", message: "is your address already" }] });
    const [forOld, forNew] = [makeSecret(services.randomBytes), makeSecret(services.randomBytes)];
    const begun = await beginEmailChange(services.database, context.write(), {
      user: person.user,
      newEmail: body.email,
      oldTokenHash: sha256Hex(forOld),
      newTokenHash: sha256Hex(forNew),
      expiresAtMs: services.now() + changeMsMax,
    });
    if (begun === null)
      return refuse("conflict", { detail: "You have asked for it several times today; use the newest links." });
    mailLater(context, leaveAddressMail(person.email, services.publicUrl, forOld));
    mailLater(
      context,
      begun.taken
        ? addressTakenMail(body.email, services.publicUrl)
        : takeAddressMail(body.email, services.publicUrl, forNew),
    );
    return answer({ status: "confirmation_sent" as const });
  },
);
