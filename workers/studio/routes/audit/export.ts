import { z } from "@hono/zod-openapi";
import { auditTypes } from "../../../../core/audit/events.ts";
import { auditOutcomes } from "../../../../core/audit/facets.ts";
import { type ExportPlace, firstPart, partAt } from "../../audit/export/part.ts";
import { stepUpDue, stepUpRefusal } from "../../auth/step-up.ts";
import { openCursor, sealCursor } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf } from "../../http/schemas.ts";
import { instantQuery } from "../../http/time-query.ts";

/** A log longer than this leaves only with somebody who has just proven themselves. */
export const exportedFreelyMax = 1000;

const query = z.strictObject({
  /** `jsonl` if it is not said. */
  format: z.enum(["jsonl", "csv", "csv_proofs"]).optional(),
  cursor: z.string().min(1).max(2048).optional(),
  // A table is of what is asked for, and its rows may each prove that they are of the log; that none is missing, only
  // the whole log can.
  type: z.enum(auditTypes).optional(),
  actor: idOf("user").optional(),
  outcome: z.enum(auditOutcomes).optional(),
  from: instantQuery.optional(),
  to: instantQuery.optional(),
});

const part = z.object({
  /** Lines to be written behind those of the part before. */
  text: z.string(),
  /** Entries that are behind us, of `total`: those under the checkpoint that the export began with. */
  done: z.int(),
  total: z.int(),
  /** Of the next part; null: this was the last. */
  next_cursor: z.string().nullable(),
});

/**
 * The log, part by part: `jsonl` with the tree's hashes and a checkpoint, which `audit verify` takes as a file;
 * `csv` newest first, `csv_proofs` with each row's leaf and proof under that checkpoint, which `audit verify` takes too.
 * The first part is on record as an export; a cursor shows that it was, and says where to go on
 * after a broken connection.
 */
export const exportAudit = defineRoute(
  "exportAudit",
  { caller: "member", query, status: 200, answer: part },
  async (context, input) => {
    const { services, membership, person, routeName } = context;
    const { format = "jsonl", cursor, type = null, actor = null, outcome = null } = input.query;
    const { from: fromMs = null, to: toMs = null } = input.query;
    const filter = { type, actor, outcome, fromMs, toMs };
    const isNarrowed = Object.values(filter).some((value) => value !== null);
    if (format === "jsonl" && isNarrowed) {
      const message = "jsonl is the whole log, or it would prove nothing: csv and csv_proofs take filters";
      return refuse("invalid_request", { errors: [{ path: "format", message }] });
    }
    // A cursor is of these filters, so that what is on record is what was taken.
    const owner = `${membership.org} ${person.user} ${JSON.stringify(filter)}`;
    const scope = { key: services.keys.cursor, route: routeName, owner };
    const place = cursor === undefined ? null : parsePlace(openCursor(scope, cursor), format);
    if (cursor !== undefined && place === null) return refuse("invalid_cursor");
    const found = place === null ? await firstPart(context, format) : await partAt(context, place, filter);
    if (found === null) return refuse("not_found", { detail: "The log has no checkpoint yet" });
    const isFirst = place === null;
    if (isFirst && found.size > exportedFreelyMax && stepUpDue(person, services.now())) return stepUpRefusal();
    const { text, done, size: total, next } = found;
    const next_cursor = next === null ? null : sealCursor(scope, JSON.stringify(next));
    const exported = {
      type: "export",
      user_id: person.user,
      format: `audit-log+${format}`,
      document_ids: [],
      destination: "the person's own download",
    } as const;
    return answer({ text, done, total, next_cursor }, isFirst ? { alongside: [exported] } : {});
  },
);

/** A place that we wrote ourselves: the cursor is authenticated. Null for another format's. */
function parsePlace(text: string | null, format: ExportPlace["format"]): ExportPlace | null {
  if (text === null) return null;
  const place = JSON.parse(text) as ExportPlace;
  return place.format === format ? place : null;
}
