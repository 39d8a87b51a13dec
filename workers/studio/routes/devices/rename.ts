import { z } from "@hono/zod-openapi";
import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { nameOf } from "../../http/schemas.ts";
import { device, deviceParams, deviceView } from "./schemas.ts";

export const renameDevice = defineRoute(
  "renameDevice",
  { caller: "member", params: deviceParams, body: z.strictObject({ name: nameOf(100) }), status: 200, answer: device },
  (context, { params, body }) =>
    answerFromDevices(context, (devices, call) => devices.renameDevice(call, params.device, body.name), deviceView),
);
