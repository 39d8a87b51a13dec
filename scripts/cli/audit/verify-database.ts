import type { Client } from "pg";
import { type DroppedMonths, readDroppedMonths } from "./dropped-months.ts";
import { allEvents } from "./event-tables.ts";
import { type BadEntry, type EventRow, LeafChecker, type PersonalRow } from "./leaf-checker.ts";

/** Below every row that can be there, also one whose number the table would refuse. */
const beforeAll = ["-9223372036854775808", "-infinity"] as const;
/** Rows in memory at once: a few KiB each. */
const pageRows = 2000;

export interface LogReport {
  readonly log: string;
  readonly entries: number;
  readonly lastSeq: number;
  readonly commitments: number;
  readonly openIntents: number;
  /** Entries that are not here because their months are over and were dropped; of which months. */
  readonly gone: number;
  readonly goneMonths: readonly string[];
  readonly bad: BadEntry | null;
}

/**
 * Verifies the audit table that this connection sees, log by log.
 * @param only one log's name; null for all
 */
export async function verifyDatabase(
  client: Client,
  only: string | null,
  report: (log: LogReport) => void,
): Promise<void> {
  const events = await allEvents(client);
  const dropped = await readDroppedMonths(client);
  for (const log of await logsOf(client, events, only)) report(await verifyLog(client, events, log, dropped));
}

/** Also logs of which nothing but personal values is left. */
async function logsOf(client: Client, events: string, only: string | null): Promise<string[]> {
  const { rows } = await client.query<{ log: string }>(
    `SELECT log FROM ${events} e WHERE $1::text IS NULL OR log = $1
     UNION SELECT log FROM audit.personal_fields WHERE $1::text IS NULL OR log = $1
     UNION SELECT log FROM audit.sealed_fields WHERE $1::text IS NULL OR log = $1 ORDER BY log`,
    [only],
  );
  return rows.map((row) => row.log);
}

async function verifyLog(client: Client, events: string, log: string, dropped: DroppedMonths): Promise<LogReport> {
  const checker = new LeafChecker(log, dropped);
  for (let after: readonly [string, string] = beforeAll; checker.bad === null; ) {
    const page = await readPage(client, events, log, after);
    for (const row of page) checker.take(row);
    const last = page.at(-1);
    if (last === undefined) break;
    after = [last.seq, last.at_text];
  }
  const bad = checker.bad ?? (await strayPersonalField(client, events, log));
  const { entries, lastSeq, commitments, openIntents, gone, goneMonths } = checker;
  return { log, entries, lastSeq, commitments, openIntents, gone, goneMonths: [...goneMonths], bad };
}

type PageRow = EventRow & { readonly at_text: string };

async function readPage(
  client: Client,
  events: string,
  log: string,
  after: readonly [string, string],
): Promise<PageRow[]> {
  const { rows } = await client.query<PageRow>(
    `SELECT e.log, e.seq::text, (extract(epoch FROM e.occurred_at) * 1000)::float8::text AS at_ms,
            e.occurred_at::text AS at_text, e.request_id, e.phase, e.intent_seq::text, e.result, e.type,
            e.leaf_json, e.leaf_hash,
            coalesce((SELECT json_agg(json_build_object('field', p.field, 'value', p.value, 'salt', p.salt))
                      FROM audit.personal_fields p WHERE p.log = e.log AND p.seq = e.seq), '[]') AS personal
     FROM ${events} e
     WHERE e.log = $1 AND (e.seq, e.occurred_at) > ($2::bigint, $3::timestamptz)
     ORDER BY e.seq, e.occurred_at LIMIT ${pageRows}`,
    [log, after[0], after[1]],
  );
  return rows.map((row) => ({ ...row, personal: row.personal as PersonalRow[] }));
}

/** A person's values whose entry is not there: the entry was dropped, or the values were slipped in. */
async function strayPersonalField(client: Client, events: string, log: string): Promise<BadEntry | null> {
  const { rows } = await client.query<{ seq: string; field: string }>(
    `SELECT p.seq::text, p.field
     FROM (SELECT log, seq, field FROM audit.personal_fields
           UNION ALL SELECT log, seq, 'subject ' || subject FROM audit.sealed_fields) p
     WHERE p.log = $1 AND NOT EXISTS (SELECT 1 FROM ${events} e WHERE e.log = p.log AND e.seq = p.seq)
     ORDER BY p.seq, p.field LIMIT 1`,
    [log],
  );
  const [stray] = rows;
  if (stray === undefined) return null;
  return { seq: Number(stray.seq), reason: "missing", detail: `its ${stray.field} is there, the entry is not` };
}
