import { z } from "@hono/zod-openapi";
import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { nameOf } from "../../http/schemas.ts";
import { enrollmentEvent } from "./events.ts";
import { enrollmentCode, enrollmentCodeView } from "./schemas.ts";

/** A code lives a day unless told otherwise, at most 30 days: it is a credential that people pass around. */
const expiresSecondsDefault = 24 * 3600;
const expiresSecondsMax = 30 * 24 * 3600;
/** A whole school's devices from one code. */
const usesMax = 10_000;

/** The code itself is in this answer and nowhere else. */
export const createEnrollmentCode = defineRoute(
  "createEnrollmentCode",
  {
    caller: "member",
    body: z.strictObject({
      name: nameOf(100).default("Enrolment code"),
      expires_in_seconds: z.int().min(60).max(expiresSecondsMax).default(expiresSecondsDefault),
      max_uses: z.int().min(1).max(usesMax).default(1),
    }),
    status: 201,
    answer: enrollmentCode.extend({ code: z.string() }),
  },
  (context, { body }) => {
    const { slug } = context.membership;
    const wanted = { slug, name: body.name, expiresInSeconds: body.expires_in_seconds, maxUses: body.max_uses };
    return answerFromDevices(
      context,
      (devices, call) => devices.createEnrollmentCode(call, wanted),
      (made) => ({ ...enrollmentCodeView(made), code: made.code }),
      (made) => enrollmentEvent(context.person.user, "code_created", { code: made.id }),
    );
  },
);
