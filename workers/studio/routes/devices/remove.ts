import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { nothing } from "../../http/schemas.ts";
import { enrollmentEvent } from "../enrollment/events.ts";
import { deviceParams } from "./schemas.ts";

export const removeDevice = defineRoute(
  "removeDevice",
  { caller: "member", params: deviceParams, status: 204, answer: nothing },
  (context, { params }) =>
    answerFromDevices(
      context,
      (devices, call) => devices.removeDevice(call, params.device),
      () => null,
      () => enrollmentEvent(context.person.user, "device_removed", params),
    ),
);
