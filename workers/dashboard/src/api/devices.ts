import type { DeviceCommandName } from "../../../../core/telemetry.ts";
import { call, callVoid, path } from "./client.ts";
import { pageRows } from "./pages.ts";
import {
  type Bucket,
  bucketSchema,
  type Command,
  commandSchema,
  type Device,
  deviceSchema,
  deviceTokenSchema,
  type EnrollmentCode,
  enrollmentCodeSchema,
  type NewEnrollmentCode,
  newEnrollmentCodeSchema,
  type Page,
  pageOf,
} from "./schemas.ts";

export const devicesKey = (org: string) => ["devices", org] as const;
export const deviceKey = (org: string, device: string) => ["device", org, device] as const;
export const commandsKey = (org: string, device: string) => ["commands", org, device] as const;
export const enrollmentCodesKey = (org: string) => ["enrollment-codes", org] as const;

export function listDevices(org: string, cursor: string | null, signal: AbortSignal): Promise<Page<Device>> {
  return call(path("orgs", org, "devices"), pageOf(deviceSchema), { query: { limit: pageRows, cursor }, signal });
}

export function getDevice(org: string, device: string, signal: AbortSignal): Promise<Device> {
  return call(path("orgs", org, "devices", device), deviceSchema, { signal });
}

export function renameDevice(org: string, device: string, name: string): Promise<Device> {
  return call(path("orgs", org, "devices", device), deviceSchema, { method: "PATCH", body: { name } });
}

export function removeDevice(org: string, device: string): Promise<void> {
  return callVoid(path("orgs", org, "devices", device), { method: "DELETE" });
}

/** The new token is in this answer only; the old one is dead from then on. */
export async function rotateDeviceToken(org: string, device: string): Promise<string> {
  const answer = await call(path("orgs", org, "devices", device, "token"), deviceTokenSchema, { method: "POST" });
  return answer.token;
}

export function sendCommand(
  org: string,
  device: string,
  name: DeviceCommandName,
  idempotencyKey: string,
): Promise<Command> {
  const body = { name, args: {} };
  return call(path("orgs", org, "devices", device, "commands"), commandSchema, {
    method: "POST",
    body,
    idempotencyKey,
  });
}

/** What a person looks back at; older ones are in the audit log. */
const commandsShown = 10;

export async function recentCommands(org: string, device: string, signal: AbortSignal): Promise<Command[]> {
  const query = { limit: commandsShown };
  const page = await call(path("orgs", org, "devices", device, "commands"), pageOf(commandSchema), { query, signal });
  return page.items;
}

/** Means per step, oldest first. */
export async function telemetryHistory(
  org: string,
  device: string,
  range: { fromMs: number; toMs: number; stepSeconds: number },
  signal: AbortSignal,
): Promise<Bucket[]> {
  const query = {
    from: new Date(range.fromMs).toISOString(),
    to: new Date(range.toMs).toISOString(),
    step: range.stepSeconds,
  };
  const page = await call(path("orgs", org, "devices", device, "telemetry"), pageOf(bucketSchema), { query, signal });
  return page.items;
}

export function createEnrollmentCode(
  org: string,
  input: { name: string; expires_in_seconds: number; max_uses: number },
  idempotencyKey: string,
): Promise<NewEnrollmentCode> {
  const options = { method: "POST", body: input, idempotencyKey } as const;
  return call(path("orgs", org, "enrollment-codes"), newEnrollmentCodeSchema, options);
}

export function listEnrollmentCodes(
  org: string,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page<EnrollmentCode>> {
  const query = { limit: pageRows, cursor };
  return call(path("orgs", org, "enrollment-codes"), pageOf(enrollmentCodeSchema), { query, signal });
}

export function revokeEnrollmentCode(org: string, code: string): Promise<void> {
  return callVoid(path("orgs", org, "enrollment-codes", code), { method: "DELETE" });
}

/** Opens a roll-out window from now on, in place of one that is open. It ends by itself. */
export function openRollout(
  org: string,
  code: string,
  window: { per_minute: number; minutes: number },
): Promise<EnrollmentCode> {
  const options = { method: "PUT", body: window } as const;
  return call(path("orgs", org, "enrollment-codes", code, "rollout"), enrollmentCodeSchema, options);
}
