/**
 * One JSON object a line on stderr. Fields are an allow-list: there is none that a token, a payload
 * or a header could go into.
 */
export interface LogFields {
  readonly code?: string;
  readonly detail?: string;
  readonly org_id?: string;
  readonly device_id?: string;
  readonly command_id?: string;
  readonly command?: string;
  readonly collector?: string;
  readonly state?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly delay_ms?: number;
  readonly attempt?: number;
  readonly signal?: string;
  readonly version?: string;
}

const allowed: ReadonlySet<string> = new Set<keyof LogFields>([
  "code",
  "detail",
  "org_id",
  "device_id",
  "command_id",
  "command",
  "collector",
  "state",
  "count",
  "bytes",
  "delay_ms",
  "attempt",
  "signal",
  "version",
]);

/** Long enough for any message of ours; a peer can't fill the journal through one line. */
const textCharactersMax = 300;

export type LogLevel = "info" | "warn" | "error";
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

/** @param write takes one whole line, newline included */
export function createLog(write: (line: string) => void, nowMs: () => number): Log {
  return (level, event, fields = {}) => {
    const line: Record<string, string | number> = { at: new Date(nowMs()).toISOString(), level, event };
    for (const [name, value] of Object.entries(fields)) {
      if (!allowed.has(name)) continue;
      if (typeof value === "string") line[name] = value.slice(0, textCharactersMax);
      else if (typeof value === "number") line[name] = value;
    }
    write(`${JSON.stringify(line)}\n`);
  };
}

/** What may be said about a caught error: its code if it has one, and its message. */
export function describeError(error: unknown): { readonly code: string; readonly detail: string } {
  if (!(error instanceof Error)) return { code: "unknown", detail: "" };
  const code = (error as NodeJS.ErrnoException).code;
  return { code: typeof code === "string" ? code : "error", detail: error.message.slice(0, textCharactersMax) };
}
