import { z } from "@hono/zod-openapi";
import { streamFormats } from "../../../../../core/audit/stream/format.ts";
import { addressCharactersMax, parseOutsideAddress } from "../../../../../core/outside-address.ts";
import type { AuditStream } from "../../../../../store/control/audit-streams.ts";
import { idText, instant } from "../../../http/schemas.ts";
import type { Services } from "../../../services.ts";

export const settings = z.strictObject({
  /** https, a public name, no redirect; it may hold a token in its path or query. */
  url: z.string().max(addressCharactersMax),
  format: z.enum(streamFormats),
  /** Of a new stream: `now` begins behind the newest entry, `beginning` with the first. */
  from: z.enum(["now", "beginning"]).optional(),
});

/** The address as it is called, or null for one that may not be. */
export function parseDestination({ streams }: Services, url: string): string | null {
  return parseOutsideAddress(url, streams.loopback)?.href ?? null;
}

const deadLetter = z.object({
  first_seq: z.int(),
  last_seq: z.int(),
  failure: z.string(),
  status: z.int().nullable(),
  at: instant,
  /** It is to be sent once more. */
  queued: z.boolean(),
});

export const stream = z.object({
  id: idText,
  url: z.string(),
  format: z.enum(streamFormats),
  created_at: instant,
  /** `sending`: all is well. `failing`: it is tried again. `stopped`: until somebody resumes it. */
  state: z.enum(["sending", "failing", "stopped"]),
  /** Entries up to this one were taken or put aside. */
  delivered_seq: z.int(),
  delivered_at: instant.nullable(),
  failure: z.string().nullable(),
  /** Of the last answer; null when there was none. */
  status: z.int().nullable(),
  failing_since: instant.nullable(),
  tries: z.int(),
  next_at: instant.nullable(),
  /** Until when the secret before is good too. */
  previous_secret_until: instant.nullable(),
  /** The oldest hundred. */
  dead_letters: z.array(deadLetter),
  dead_letters_total: z.int(),
});

export function shownStream(found: AuditStream): z.input<typeof stream> {
  const state = found.stoppedAt !== null ? "stopped" : found.failingSince !== null ? "failing" : "sending";
  return {
    id: found.id,
    url: found.url,
    format: found.format,
    created_at: found.createdAt,
    state,
    delivered_seq: found.deliveredSeq,
    delivered_at: found.deliveredAt,
    failure: found.failure,
    status: found.status,
    failing_since: found.failingSince,
    tries: found.tries,
    next_at: state === "failing" ? found.nextAt : null,
    previous_secret_until: found.previousUntil,
    dead_letters: found.deadLetters.map(({ firstSeq, lastSeq, failure, status, diedAt, queued }) => ({
      ...{ first_seq: firstSeq, last_seq: lastSeq, failure, status, at: diedAt, queued },
    })),
    dead_letters_total: found.deadCount,
  };
}
