import { askDevices } from "../../http/ask-devices.ts";
import { capabilityPage } from "../../http/capability-page.ts";
import { defineRoute } from "../../http/define-route.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { device, deviceView } from "./schemas.ts";

export const listDevices = defineRoute(
  "listDevices",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(device) },
  (context, { query }) =>
    capabilityPage(context, query, {
      of: "",
      read: (page) => askDevices(context, (devices, call) => devices.listDevices(call, page)),
      view: deviceView,
    }),
);
