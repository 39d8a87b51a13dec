/** What the runner last said about itself; `status` reads it. No secrets. */
import { readFileSync } from "node:fs";
import { replaceFile } from "./atomic-file.ts";

export type ConnectionState = "connecting" | "connected" | "waiting" | "stopped";

export interface RunnerStatus {
  readonly pid: number;
  readonly agent_version: string;
  readonly started_at: string;
  readonly updated_at: string;
  readonly connection: {
    readonly state: ConnectionState;
    readonly since: string;
    /** When the next attempt is due, RFC 3339, while waiting. */
    readonly next_attempt_at: string | null;
  };
  readonly queue: { readonly depth: number; readonly bytes: number; readonly dropped: number };
  readonly last_sample_at: string | null;
  readonly last_acknowledged_at: string | null;
  readonly last_error: { readonly code: string; readonly detail: string; readonly at: string } | null;
}

export function writeStatus(path: string, status: RunnerStatus): void {
  replaceFile(path, `${JSON.stringify(status)}\n`, false);
}

/** Null when there is none or it is broken: then nothing is known. */
export function readStatus(path: string): RunnerStatus | null {
  try {
    const json = JSON.parse(readFileSync(path, "utf8")) as Partial<RunnerStatus> | null;
    const whole = typeof json?.connection?.state === "string" && typeof json.queue?.depth === "number";
    return whole ? (json as RunnerStatus) : null;
  } catch {
    return null;
  }
}
