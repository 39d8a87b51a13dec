import { z } from "@hono/zod-openapi";
import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { command, commandName, commandView, deviceParams } from "./schemas.ts";

/** A command waits this long for an absent device: five minutes unless told otherwise, at most a day. */
const ttlSecondsDefault = 300;
const ttlSecondsMax = 24 * 3600;
/** Arguments as JSON, in characters: far below one MQTT packet. */
const argsCharactersMax = 8 * 1024;

const args = z
  .record(z.string().max(64), z.unknown())
  .refine((value) => JSON.stringify(value).length <= argsCharactersMax, "must be at most 8 KiB of JSON");

export const sendCommand = defineRoute(
  "sendCommand",
  {
    caller: "member",
    params: deviceParams,
    body: z.strictObject({
      name: commandName,
      args: args.default({}),
      ttl_seconds: z.int().min(1).max(ttlSecondsMax).default(ttlSecondsDefault),
    }),
    status: 202,
    answer: command,
  },
  (context, { params, body }) => {
    const wanted = { name: body.name, args: body.args, ttlSeconds: body.ttl_seconds };
    return answerFromDevices(
      context,
      (devices, call) => devices.sendCommand(call, params.device, wanted),
      commandView,
      ({ id, device, name }) => ({
        type: "device_command",
        user_id: context.person.user,
        device_id: device,
        command_id: id,
        command: name,
      }),
    );
  },
);
