import type { AuditStream, StreamTest } from "../../../api/audit-stream.ts";

/** What a failure's stable word means to whoever has to do something about it. */
const failures: Readonly<Record<string, string>> = {
  unreachable: "it does not answer",
  redirected: "it answers with a redirect, which is not followed",
  refused: "it refuses the call: look at its address and what it asks for",
  slowed: "it asks for less",
  failing: "it answers with an error of its own",
  not_accepted: "it refuses the message for good",
  gone: "it wants no more, ever",
};

export const failureText = (failure: string, status: number | null): string => {
  const text = failures[failure] ?? failure;
  return status === null ? text : `${text} (${status})`;
};

/** What came of a test message, as people read it. */
export function testText({ taken, failure, status, took_ms }: StreamTest): string {
  const time = `after ${took_ms} ms`;
  if (taken) return `Taken ${time} (${status}).`;
  const text = failureText(failure ?? "", status);
  return `Not taken ${time}: ${text}.`;
}

/** `new`: nothing was sent yet. */
export type StreamStanding = "new" | "sending" | "failing" | "stopped";

export function standingOf({ state, delivered_at }: AuditStream): StreamStanding {
  return state === "sending" && delivered_at === null ? "new" : state;
}
