import { askDevices } from "../../http/ask-devices.ts";
import { capabilityPage } from "../../http/capability-page.ts";
import { defineRoute } from "../../http/define-route.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { group, groupView } from "./schemas.ts";

export const listGroups = defineRoute(
  "listGroups",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(group) },
  (context, { query }) =>
    capabilityPage(context, query, {
      of: "",
      read: (page) => askDevices(context, (devices, call) => devices.listGroups(call, page)),
      view: groupView,
    }),
);
