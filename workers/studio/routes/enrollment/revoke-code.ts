import { z } from "@hono/zod-openapi";
import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { idOf, nothing } from "../../http/schemas.ts";
import { enrollmentEvent } from "./events.ts";

export const revokeEnrollmentCode = defineRoute(
  "revokeEnrollmentCode",
  { caller: "member", params: z.strictObject({ code: idOf("enrollmentCode") }), status: 204, answer: nothing },
  (context, { params }) =>
    answerFromDevices(
      context,
      (devices, call) => devices.revokeEnrollmentCode(call, params.code),
      () => null,
      () => enrollmentEvent(context.person.user, "code_revoked", params),
    ),
);
