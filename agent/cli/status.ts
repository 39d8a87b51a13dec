/** `status`: what is enrolled here and what its runner last said. */
import { readCredentials } from "../state/credentials.ts";
import { lockHolder } from "../state/lock.ts";
import type { StatePaths } from "../state/paths.ts";
import { readStatus } from "../state/status-file.ts";
import { agentVersion } from "../version.ts";
import type { Console } from "./console.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";

export function status(json: boolean, paths: StatePaths, terminal: Console): ExitCode {
  const read = readCredentials(paths.credentials);
  const pid = lockHolder(paths.lock);
  const said = readStatus(paths.status);
  // A runner that was killed leaves its last words behind: only the lock's holder is believed.
  const current = pid !== null && said?.pid === pid ? said : null;
  const state = pid === null ? "not_running" : (current?.connection.state ?? "connecting");
  const report = {
    agent_version: agentVersion,
    state_directory: paths.directory,
    enrolled: read.kind === "ok",
    enrollment_problem: read.kind === "refused" ? read.code : null,
    org_id: read.kind === "ok" ? read.credentials.org : null,
    device_id: read.kind === "ok" ? read.credentials.device : null,
    running: pid !== null,
    pid,
    connection: state,
    connection_since: current?.connection.since ?? null,
    next_attempt_at: current?.connection.next_attempt_at ?? null,
    queue_depth: said?.queue.depth ?? 0,
    queue_bytes: said?.queue.bytes ?? 0,
    samples_dropped: said?.queue.dropped ?? 0,
    last_sample_at: said?.last_sample_at ?? null,
    last_acknowledged_at: said?.last_acknowledged_at ?? null,
    last_error: said?.last_error ?? null,
  };
  terminal.out(json ? `${JSON.stringify(report)}\n` : table(report));
  if (read.kind === "not_enrolled") return exitCodes.notEnrolled;
  if (read.kind === "refused") return exitCodes.failed;
  if (pid === null) return exitCodes.notRunning;
  return state === "connected" ? exitCodes.ok : exitCodes.notConnected;
}

function table(report: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(report).map(([name, value]) => {
    const shown = value === null ? "-" : typeof value === "object" ? Object.values(value).join(" · ") : String(value);
    return `${name.replaceAll("_", " ").padEnd(22)}${shown}\n`;
  });
  return lines.join("");
}
