import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { group, groupParams, groupView } from "./schemas.ts";

export const getGroup = defineRoute(
  "getGroup",
  { caller: "member", params: groupParams, status: 200, answer: group },
  (context, { params }) =>
    answerFromDevices(context, (devices, call) => devices.getGroup(call, params.group), groupView),
);
