/** All that this Worker may write to its log: no address, password, statement, parameter or row has a field here. */
export type LogEvent =
  /** What its role did to itself, or a hand to its schema, and what became of it. */
  | {
      readonly event: "tenant_repaired" | "tenant_not_repaired";
      readonly org: string;
      readonly drift: readonly string[];
    }
  /** It lets somebody through who should not be, and no repair mends it: nobody is connected. Somebody has to look. */
  | { readonly event: "tenant_closed"; readonly org: string }
  /** What a move left on its old placement is gone, after its grace. */
  | { readonly event: "old_placement_dropped"; readonly org: string }
  /** Partitions of the audit table; `moved` entries had come before theirs was there. */
  | { readonly event: "audit_months_opened"; readonly opened: number; readonly moved: number }
  /** The clock gave so many roles another password. */
  | { readonly event: "passwords_rotated"; readonly count: number }
  /** It stays announced, works, and comes again. */
  | { readonly event: "rotation_failed"; readonly org: string; readonly reason: string }
  /** Time to add a placement: the emptiest is nine tenths full, or none has room and this organisation got none. */
  | {
      readonly event: "placements_nearly_full";
      readonly placement: string;
      readonly tenants: number;
      readonly tenantsMax: number;
    }
  | { readonly event: "placements_full"; readonly org: string }
  | {
      /** Samples of a time that is not kept any more; samples of a time that had not come. */
      readonly event: "records_dropped" | "samples_too_old" | "samples_retimed";
      readonly org: string;
      readonly count: number;
    }
  | {
      readonly event: "call_failed";
      readonly entrypoint: string;
      /** The error's class and SQLSTATE or reason, never its message. */
      readonly error: string;
      readonly code: string | null;
    };

/** Writes one line of JSON. */
export function logEvent(event: LogEvent): void {
  // biome-ignore lint/suspicious/noConsole: the one function through which this Worker logs
  console.warn(JSON.stringify(event));
}

/** What of an error may be logged. */
export function failureOf(entrypoint: string, error: unknown): LogEvent {
  const { code, reason } = (error ?? {}) as { code?: unknown; reason?: unknown };
  const short = [code, reason].find((value) => typeof value === "string");
  return {
    event: "call_failed",
    entrypoint,
    error: error instanceof Error ? error.name : typeof error,
    code: typeof short === "string" ? short : null,
  };
}
