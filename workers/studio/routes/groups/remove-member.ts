import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { nothing } from "../../http/schemas.ts";
import { groupMemberParams } from "./schemas.ts";

export const removeGroupMember = defineRoute(
  "removeGroupMember",
  { caller: "member", params: groupMemberParams, status: 204, answer: nothing },
  (context, { params }) =>
    answerFromDevices(
      context,
      (devices, call) => devices.setGroupMember(call, params.group, params.user, false),
      () => null,
    ),
);
