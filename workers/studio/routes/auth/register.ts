import { z } from "@hono/zod-openapi";
import { addRegistration } from "../../../../store/control/registrations.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { objectionTo, refuseHash, refusePassword } from "../../auth/password-policy.ts";
import { makeSecret } from "../../auth/secrets.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { email, nameOf } from "../../http/schemas.ts";
import { accountExistsMail, verificationMail } from "../../mail/messages.ts";
import { newPassword } from "./schemas.ts";

/** A link in a mail is good for so long, in milliseconds. */
const registrationMsMax = 24 * 3600_000;

/**
 * Whether or not the address has an account, the work (one hash, one transaction, one mail) and the
 * answer are the same; only the mail's reader learns which it was (ASVS 6.3.8).
 */
export const register = defineRoute(
  "register",
  {
    caller: "anyone",
    body: z.strictObject({ email, password: newPassword, name: nameOf(200) }),
    status: 202,
    answer: z.object({ status: z.literal("verification_sent") }),
  },
  async (context, { body }) => {
    const { services } = context;
    const objection = objectionTo(body.password, { ...body, organisations: [] }, false);
    if (objection !== null) return refusePassword("password", objection);
    const hashed = await services.passwords.hash(body.password);
    if (hashed.kind !== "ok") return refuseHash("password", hashed);
    const token = makeSecret(services.randomBytes);
    const { accepted, accountExists } = await addRegistration(services.database, context.write(), {
      tokenHash: sha256Hex(token),
      email: body.email,
      name: body.name,
      passwordHash: hashed.hash,
      expiresAtMs: services.now() + registrationMsMax,
    });
    if (accepted) {
      const message = accountExists
        ? accountExistsMail(body.email, services.publicUrl)
        : verificationMail(body.email, services.publicUrl, token);
      await services.sendMail(message);
    }
    return answer({ status: "verification_sent" as const });
  },
);
