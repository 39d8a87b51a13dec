import { z } from "@hono/zod-openapi";
import {
  deviceHour,
  hourCommandsMax,
  hourMs,
  hourStepSeconds,
} from "../../../../../core/llm/explaining/device-hour.ts";
import { refusalOf } from "../../../downstream.ts";
import { askDevices } from "../../../http/ask-devices.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { deviceParams } from "../../devices/schemas.ts";
import { explain, explanationAnswer, modelField } from "./explain.ts";

/** What the caller may read of the device is what the model is told of it: the same calls, by the same rules. */
export const explainDevice = defineRoute(
  "explainDevice",
  {
    caller: "member",
    params: deviceParams,
    body: z.strictObject({ model: modelField }),
    status: 200,
    media: "text/event-stream",
    answer: explanationAnswer,
  },
  async (context, { params, body }) => {
    const toMs = context.services.now();
    const range = { fromMs: toMs - hourMs, toMs, stepSeconds: hourStepSeconds };
    const page = { limit: hourCommandsMax, cursor: null };
    const [device, telemetry, commands] = await Promise.all([
      askDevices(context, (devices, call) => devices.getDevice(call, params.device)),
      askDevices(context, (devices, call) => devices.telemetry(call, params.device, range)),
      askDevices(context, (devices, call) => devices.listCommands(call, params.device, page)),
    ]);
    if (!device.ok) return refusalOf(device);
    if (!telemetry.ok) return refusalOf(telemetry);
    if (!commands.ok) return refusalOf(commands);
    const records = deviceHour(device.value, telemetry.value, commands.value.items);
    return explain(context, "device_hour", records, body.model);
  },
);
