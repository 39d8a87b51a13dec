import { DatabaseError } from "../../store/connect.ts";
import { Unavailable } from "./unavailable.ts";

/** Everything a log line may hold. No header, token, body or parameter has a field here. */
interface LogFields {
  readonly request_id: string | null;
  readonly route: string | null;
  readonly step: string | null;
}

/** The one way to log a failure. A database's message may quote a value, so only its code is kept. */
export function logFailure(fields: LogFields, error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: the platform's log is the console; this is its one caller
  console.error(JSON.stringify({ level: "error", unit: "studio", ...fields, ...describe(error) }));
}

function describe(error: unknown): Record<string, string | null> {
  if (error instanceof DatabaseError) return { error: error.name, kind: error.kind, code: error.code };
  if (error instanceof Unavailable) return { error: error.name, part: error.part };
  if (!(error instanceof Error)) return { error: typeof error };
  // A stack's frames name our own code; its first line repeats the message.
  const frames = (error.stack ?? "")
    .split("\n")
    .filter((line) => line.trimStart().startsWith("at "))
    .slice(0, 6);
  return { error: error.name, message: error.message.slice(0, 200), frames: frames.join(" | ") };
}
