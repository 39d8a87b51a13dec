/** What a model is told of an audit log's entries: less than whoever asks may read. */
import type { AuditEntry } from "../../audit/events.ts";
import { outcomeOf } from "../../audit/facets.ts";
import type { SourceRecord } from "./prompt.ts";

/**
 * Where somebody came from and with what are personal and have no placeholder (docs/llm.md), so they stay here: whoever
 * needs them opens the entry. People are their ids, which nobody outside can resolve.
 */
const keptBack: ReadonlySet<string> = new Set(["type", "ip", "user_agent"]);

/** Somebody looked at something and was answered: most of a log, and seldom what happened. */
const isPlainRead = ({ event }: AuditEntry): boolean =>
  event.type === "api_call" && event.method === "GET" && (event.status_code ?? 0) < 400;

/**
 * @param entries newest first. What was only intended is left out: its outcome says how it ended.
 * @param withReads also reads that went well, for who asks for just those
 */
export function auditRecords(entries: readonly AuditEntry[], withReads: boolean): SourceRecord[] {
  return entries
    .filter((entry) => entry.phase !== "intent" && (withReads || !isPlainRead(entry)))
    .map((entry) => {
      const { seq, at, event } = entry;
      const fields = Object.entries(event).filter(([name, value]) => !keptBack.has(name) && value !== null);
      return {
        source: { kind: "audit", seq, at, type: event.type },
        data: { no: seq, at, type: event.type, outcome: outcomeOf(entry), ...Object.fromEntries(fields) },
      };
    });
}
