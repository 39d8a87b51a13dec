import { z } from "@hono/zod-openapi";
import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { enrollmentEvent } from "../enrollment/events.ts";
import { deviceParams } from "./schemas.ts";

/** The new token is in this answer and nowhere else; the old one is dead. */
export const rotateDeviceToken = defineRoute(
  "rotateDeviceToken",
  { caller: "member", params: deviceParams, status: 200, answer: z.object({ token: z.string() }) },
  (context, { params }) =>
    answerFromDevices(
      context,
      (devices, call) => devices.rotateToken(call, params.device),
      ({ token }) => ({ token }),
      () => enrollmentEvent(context.person.user, "token_rotated", params),
    ),
);
