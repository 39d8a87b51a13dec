/** Running a command that was parsed, known and not seen before. */
import os from "node:os";
import type { DeviceCommandName, DeviceReply } from "../../core/telemetry.ts";
import { describeError } from "../log.ts";
import { agentVersion } from "../version.ts";
import { readInventory } from "./inventory.ts";
import { refusalReply } from "./parse.ts";

type Handler = (nowMs: number) => Promise<Readonly<Record<string, unknown>>>;

/** Exactly the names of core/telemetry.ts: a missing or further one doesn't type-check. */
const handlers: Readonly<Record<DeviceCommandName, Handler>> = {
  ping: async (nowMs) => ({
    pong: true,
    at: new Date(nowMs).toISOString(),
    agent_version: agentVersion,
    uptime_seconds: Math.floor(os.uptime()),
  }),
  inventory: readInventory,
};

/** Never rejects: a command that fails is answered. */
export async function executeCommand(id: string, name: DeviceCommandName, nowMs: number): Promise<DeviceReply> {
  try {
    return { id, ok: true, result: await handlers[name](nowMs) };
  } catch (error) {
    return refusalReply(id, "command_failed", describeError(error).detail);
  }
}
