import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { nothing } from "../../http/schemas.ts";
import { groupParams } from "./schemas.ts";

export const removeGroup = defineRoute(
  "removeGroup",
  { caller: "member", params: groupParams, status: 204, answer: nothing },
  (context, { params }) =>
    answerFromDevices(
      context,
      (devices, call) => devices.removeGroup(call, params.group),
      () => null,
    ),
);
