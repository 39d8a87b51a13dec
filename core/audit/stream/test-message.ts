/** What is posted when an administrator wants to see whether a destination takes anything. */

/** The envelope is that of `audit.entries`; whoever does not know the type answers as they answer to what they don't know. */
export interface StreamTestMessage {
  readonly type: "audit.test";
  readonly timestamp: string;
  readonly data: { readonly log: string; readonly text: string };
}

/** The body of a test message: nothing of the log, so that it may be sent as often as somebody likes. */
export function testBody(log: string, at: string): string {
  const text = "This is a test of the audit log's stream. No entry is in it.";
  const message: StreamTestMessage = { type: "audit.test", timestamp: at, data: { log, text } };
  return JSON.stringify(message);
}
