import { DatabaseError } from "../../store/connect.ts";
import { Unavailable } from "./unavailable.ts";

/** Everything a log line may hold. No header, token, body or parameter has a field here. */
interface LogFields {
  readonly request_id: string | null;
  readonly route: string | null;
  readonly step: string | null;
}

const textCharactersMax = 200;

/** The one way to log a failure. A database's message may quote a value, so only its code is kept. */
export function logFailure(fields: LogFields, error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: the platform's log is the console; this is its one caller
  console.error(JSON.stringify({ level: "error", unit: "studio", ...fields, ...describe(error) }));
}

function describe(error: unknown): Record<string, string | null> {
  if (error instanceof DatabaseError) return { error: error.name, kind: error.kind, code: error.code };
  if (error instanceof Unavailable) return { error: error.name, part: error.part, cause: causeOf(error) };
  if (!(error instanceof Error)) return { error: typeof error };
  // A stack's frames name our own code; its first line repeats the message.
  const frames = (error.stack ?? "")
    .split("\n")
    .filter((line) => line.trimStart().startsWith("at "))
    .slice(0, 6);
  const message = error.message.slice(0, textCharactersMax);
  return { error: error.name, message, cause: causeOf(error), frames: frames.join(" | ") };
}

/** Of an error that crossed a binding only the message is left; units write none that quotes a secret. */
function causeOf(error: Error): string | null {
  const { cause } = error;
  if (cause instanceof DatabaseError) return `${cause.name} ${cause.code ?? cause.kind}`;
  return cause instanceof Error ? `${cause.name}: ${cause.message.slice(0, textCharactersMax)}` : null;
}
