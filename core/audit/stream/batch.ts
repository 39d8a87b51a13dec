/** What one message to a SIEM holds. */
import type { AuditEntry } from "../events.ts";
import { formatEntry, type StreamFormat } from "./format.ts";

/** Entries in one message: some 60 KB as a rule, and a receiver that stalls holds no more than these up. */
export const batchEntriesMax = 100;
/** Bytes of one message. Receivers refuse more than a MiB as a rule; one entry is 60 KB at most (an export's documents). */
export const batchBytesMax = 256 * 1024;

/** Numbers of the first and the last entry of a message. */
export interface SeqRange {
  readonly first: number;
  readonly last: number;
}

/** What is posted: the envelope that Standard Webhooks recommends (`type`, `timestamp`, `data`). */
export interface StreamMessage {
  readonly type: "audit.entries";
  /** When the last of the entries was written. */
  readonly timestamp: string;
  readonly data: {
    readonly log: string;
    readonly first_seq: number;
    readonly last_seq: number;
    readonly entries: unknown[];
  };
}

const utf8 = new TextEncoder();

/**
 * How many of the entries one message takes: from the first on, within {@link batchBytesMax} and
 * {@link batchEntriesMax}, and always one.
 */
export function batchLength(entries: readonly AuditEntry[], format: StreamFormat, hostname: string): number {
  let bytes = 0;
  let length = 0;
  for (const entry of entries.slice(0, batchEntriesMax)) {
    bytes += utf8.encode(JSON.stringify(formatEntry(entry, format, hostname))).length + 1;
    if (length > 0 && bytes > batchBytesMax) break;
    length += 1;
  }
  return length;
}

/**
 * The body of a message.
 * @throws Error when the entries are not one after the other: nothing may be skipped, whatever the log answered
 */
export function batchBody(
  entries: readonly AuditEntry[],
  { first, last }: SeqRange,
  format: StreamFormat,
  hostname: string,
): string {
  const whole = entries.length === last - first + 1 && entries.every(({ seq }, index) => seq === first + index);
  const end = entries.at(-1);
  if (!whole || end === undefined) throw new Error("the log did not answer with every entry that was asked for");
  const shown = entries.map((entry) => formatEntry(entry, format, hostname));
  const message: StreamMessage = {
    type: "audit.entries",
    timestamp: end.at,
    data: { log: end.log, first_seq: first, last_seq: last, entries: shown },
  };
  return JSON.stringify(message);
}
