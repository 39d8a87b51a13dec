import { askDevices } from "../../http/ask-devices.ts";
import { capabilityPage } from "../../http/capability-page.ts";
import { defineRoute } from "../../http/define-route.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { enrollmentCode, enrollmentCodeView } from "./schemas.ts";

export const listEnrollmentCodes = defineRoute(
  "listEnrollmentCodes",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(enrollmentCode) },
  (context, { query }) =>
    capabilityPage(context, query, {
      of: "",
      read: (page) => askDevices(context, (devices, call) => devices.listEnrollmentCodes(call, page)),
      view: enrollmentCodeView,
    }),
);
