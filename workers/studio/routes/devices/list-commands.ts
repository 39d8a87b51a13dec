import { askDevices } from "../../http/ask-devices.ts";
import { capabilityPage } from "../../http/capability-page.ts";
import { defineRoute } from "../../http/define-route.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { command, commandView, deviceParams } from "./schemas.ts";

export const listCommands = defineRoute(
  "listCommands",
  { caller: "member", params: deviceParams, query: pageQuery, status: 200, answer: pageOf(command) },
  (context, { params, query }) =>
    capabilityPage(context, query, {
      of: params.device,
      read: (page) => askDevices(context, (devices, call) => devices.listCommands(call, params.device, page)),
      view: commandView,
    }),
);
