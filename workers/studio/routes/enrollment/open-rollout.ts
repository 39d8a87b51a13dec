import { z } from "@hono/zod-openapi";
import { rolloutMinutesMax, rolloutPerMinuteMax } from "../../../../core/limits.ts";
import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { idOf } from "../../http/schemas.ts";
import { enrollmentEvent } from "./events.ts";
import { enrollmentCode, enrollmentCodeView } from "./schemas.ts";

/** The window ends by itself, replaces one that is open, and is on record by the call that opened it. */
export const openRollout = defineRoute(
  "openRollout",
  {
    caller: "member",
    params: z.strictObject({ code: idOf("enrollmentCode") }),
    body: z.strictObject({
      per_minute: z.int().min(1).max(rolloutPerMinuteMax),
      minutes: z.int().min(1).max(rolloutMinutesMax),
    }),
    status: 200,
    answer: enrollmentCode,
  },
  (context, { params, body }) => {
    const window = { perMinute: body.per_minute, minutes: body.minutes };
    return answerFromDevices(
      context,
      (devices, call) => devices.openRollout(call, params.code, window),
      enrollmentCodeView,
      () => enrollmentEvent(context.person.user, "rollout_opened", params),
    );
  },
);
