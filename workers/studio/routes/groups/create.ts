import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { group, groupBody, groupView } from "./schemas.ts";

export const createGroup = defineRoute(
  "createGroup",
  { caller: "member", body: groupBody, status: 201, answer: group },
  (context, { body }) => answerFromDevices(context, (devices, call) => devices.createGroup(call, body.name), groupView),
);
