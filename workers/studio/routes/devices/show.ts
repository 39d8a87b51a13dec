import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { device, deviceParams, deviceView } from "./schemas.ts";

export const getDevice = defineRoute(
  "getDevice",
  { caller: "member", params: deviceParams, status: 200, answer: device },
  (context, { params }) =>
    answerFromDevices(context, (devices, call) => devices.getDevice(call, params.device), deviceView),
);
