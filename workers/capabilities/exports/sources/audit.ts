import type { AuditEntry } from "../../../../core/audit/events.ts";
import { actorOf, outcomeOf, targetOf } from "../../../../core/audit/facets.ts";
import type { Row } from "../../../../core/exports/lines.ts";
import type { Source } from "./source.ts";

/** Entries in one step, some KiB each at most; the log hands out a hundred at a time. */
const limit = 1_000;

/**
 * Entries of the organisation's log, oldest first. Who may read the log reads all of it, and studio judges that before
 * each step; the entries come from there, as readers see them.
 */
export const audit: Source = {
  columns: [
    ...["seq", "at", "type", "phase", "outcome", "actor", "target", "address", "country"],
    ...["request_id", "intent_seq", "result", "details", "leaf_hash"],
  ],
  async page({ spec, asOfMs, cursor, readAudit }) {
    const found: AuditEntry[] = [];
    for (let after = cursor === null ? 0 : Number(cursor); found.length < limit; ) {
      const more = await readAudit(after);
      found.push(...more);
      const last = more.at(-1);
      if (last === undefined || Date.parse(last.at) > asOfMs) break;
      after = last.seq;
    }
    // What is written about the export itself comes after it.
    const until = Math.min(asOfMs + 1, spec.toMs ?? Number.POSITIVE_INFINITY);
    const wanted = found.filter(({ at }) => Date.parse(at) < until);
    const rows = wanted.filter(({ at }) => Date.parse(at) >= (spec.fromMs ?? 0)).map(rowOf);
    const last = found.at(-1);
    const isOver = last === undefined || Date.parse(last.at) >= until;
    return { rows, cursor: isOver ? null : String(last.seq) };
  },
  // Of which capabilities knows nothing: studio counts.
  count: async () => 0,
};

function rowOf(entry: AuditEntry): Row {
  const { event } = entry;
  const { type, ...details } = event;
  return [
    ...[entry.seq, entry.at, type, entry.phase, outcomeOf(entry), actorOf(event), targetOf(event)],
    ...["ip" in event ? (event.ip ?? null) : null, "country" in event ? (event.country ?? null) : null],
    ...[entry.request_id, entry.intent_seq, entry.result ?? null, details, entry.leaf_hash],
  ];
}
