import { needs, orgPath, publicRoute, type RouteSpec, route } from "./route.ts";

/** Devices: enrolment, inventory, commands, telemetry. */
export const devicesRoutes = {
  createEnrollmentCode: route({
    method: "POST",
    path: `${orgPath}/enrollment-codes`,
    policy: needs("enrollment:manage"),
    summary: "Make an enrolment code",
  }),
  listEnrollmentCodes: route({
    method: "GET",
    path: `${orgPath}/enrollment-codes`,
    policy: needs("enrollment:manage"),
    summary: "Enrolment codes",
  }),
  revokeEnrollmentCode: route({
    method: "DELETE",
    path: `${orgPath}/enrollment-codes/{code}`,
    policy: needs("enrollment:manage"),
    summary: "Revoke an enrolment code",
  }),
  openRollout: route({
    method: "PUT",
    path: `${orgPath}/enrollment-codes/{code}/rollout`,
    policy: needs("enrollment:manage"),
    summary: "Let more devices a minute enrol with a code, for a while",
  }),
  enroll: route({
    method: "POST",
    path: "/api/v1/enroll",
    policy: publicRoute("the enrolment code is the credential"),
    rateClass: "enrollment",
    summary: "Enrol a device",
  }),
  orgEnroll: route({
    method: "POST",
    path: `${orgPath}/enroll`,
    policy: publicRoute("the enrolment code is the credential"),
    rateClass: "enrollment",
    summary: "Enrol a device under the organisation's own geo policy",
  }),
  listDevices: route({ method: "GET", path: `${orgPath}/devices`, policy: needs("devices:read"), summary: "Devices" }),
  getDevice: route({
    method: "GET",
    path: `${orgPath}/devices/{device}`,
    policy: needs("devices:read"),
    summary: "One device",
  }),
  renameDevice: route({
    method: "PATCH",
    path: `${orgPath}/devices/{device}`,
    policy: needs("devices:manage"),
    summary: "Rename a device",
  }),
  removeDevice: route({
    method: "DELETE",
    path: `${orgPath}/devices/{device}`,
    policy: needs("devices:manage"),
    summary: "Remove a device and close its sockets",
  }),
  rotateDeviceToken: route({
    method: "POST",
    path: `${orgPath}/devices/{device}/token`,
    policy: needs("devices:manage"),
    bodyBytesMax: 0,
    summary: "Replace a device's token",
  }),
  sendCommand: route({
    method: "POST",
    path: `${orgPath}/devices/{device}/commands`,
    policy: needs("devices:command"),
    summary: "Send a command",
  }),
  listCommands: route({
    method: "GET",
    path: `${orgPath}/devices/{device}/commands`,
    policy: needs("devices:read"),
    summary: "Commands and their replies",
  }),
  telemetry: route({
    method: "GET",
    path: `${orgPath}/devices/{device}/telemetry`,
    policy: needs("telemetry:read"),
    summary: "Telemetry, averaged per step",
  }),
} as const satisfies Record<string, RouteSpec>;
