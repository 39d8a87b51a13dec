/** All that the edge may write to its log. No header, token, body, path or address has a field here. */
interface LogFields {
  readonly event: "gate_failed" | "forward_failed" | "report_failed" | "resolve_failed" | "limiter_failed";
  readonly requestId?: string;
  readonly where?: string;
  /** The error's class, never its message: messages quote what they choked on. */
  readonly error?: string;
}

/** Writes one line of JSON. */
export function logFailure(fields: Omit<LogFields, "error">, error: unknown): void {
  const { event, requestId, where } = fields;
  const line: LogFields = {
    event,
    ...(requestId === undefined ? {} : { requestId }),
    ...(where === undefined ? {} : { where }),
    error: error instanceof Error ? error.name : typeof error,
  };
  // biome-ignore lint/suspicious/noConsole: the one function through which the edge logs
  console.error(JSON.stringify(line));
}
