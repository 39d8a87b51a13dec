import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { nothing } from "../../http/schemas.ts";
import { groupDeviceParams } from "./schemas.ts";

export const addGroupDevice = defineRoute(
  "addGroupDevice",
  { caller: "member", params: groupDeviceParams, status: 204, answer: nothing },
  (context, { params }) =>
    answerFromDevices(
      context,
      (devices, call) => devices.setGroupDevice(call, params.group, params.device, true),
      () => null,
    ),
);
