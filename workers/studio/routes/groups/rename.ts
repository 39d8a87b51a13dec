import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { group, groupBody, groupParams, groupView } from "./schemas.ts";

export const renameGroup = defineRoute(
  "renameGroup",
  { caller: "member", params: groupParams, body: groupBody, status: 200, answer: group },
  (context, { params, body }) =>
    answerFromDevices(context, (devices, call) => devices.renameGroup(call, params.group, body.name), groupView),
);
