import type { ExportFormat } from "../../../core/exports/job.ts";
import { arrayLines, csvLines, jsonLines, type Row } from "../../../core/exports/lines.ts";
import type { ExportsResult, ExportsRpc, StepDone, StepOrder } from "../../../core/rpc/exports.ts";
import type { CallContext, Handler } from "./admission.ts";
import { archiveStep } from "./archive.ts";
import { openCursor, sealCursor } from "./binding.ts";
import { isOrder } from "./order.ts";
import { ok, refused } from "./result.ts";
import { type OpenExport, openExport, putPiece } from "./sealing.ts";
import { sources } from "./sources/index.ts";

/**
 * One step: the next rows, as lines, sealed into an object of their own. Nothing of it counts before the job's row
 * says so; cut off anywhere it is done again from the same place, and what it left is discarded.
 */
export const step: Handler<ExportsRpc["step"]> = async (context, order) => {
  const { part, before } = order;
  if (!isOrder(order) || !Number.isSafeInteger(part) || part < 1 || (part === 1) !== (before === null))
    return refused("invalid_request");
  const opened = await openExport(context, order);
  try {
    const here = { id: order.export, part, before };
    const cursor =
      order.cursor === null ? null : opened.isBound ? openCursor(opened.key, here, order.cursor) : order.cursor;
    // Whoever took the cursor away would begin anew behind rows that are there, and whoever wrote another goes elsewhere.
    if (order.cursor === null ? part !== 1 : cursor === null) return refused("invalid_request");
    const done = await steps(context, opened, order, cursor);
    if (!done.ok || done.value.cursor === null || !opened.isBound) return done;
    const { parts, cursor: next } = done.value;
    const there = { id: order.export, part: part + parts.length, before: parts.at(-1)?.object ?? before };
    return ok({ ...done.value, cursor: sealCursor(opened.key, there, next) });
  } finally {
    opened.key.fill(0);
  }
};

/** @param cursor opened */
async function steps(
  context: CallContext,
  opened: OpenExport,
  order: StepOrder,
  cursor: string | null,
): Promise<ExportsResult<StepDone>> {
  const { spec, part, before, asOfMs, readAudit } = order;
  if (spec.format === "zip") return archiveStep(context, opened, order, cursor);
  const source = sources[spec.source];
  const database = context.databaseAs(order.reader);
  const page = await source.page({ spec, asOfMs, cursor, readAudit, database });
  const done = { rows: page.rows.length, cursor: page.cursor };
  // An export of nothing is a table without rows; and what ends it is there even when it holds none.
  const isLast = page.cursor === null;
  if (page.rows.length === 0 && part > 1 && !isLast) return ok({ ...done, parts: [] });
  const bytes = writeRows(spec.format, source.columns, page.rows, part === 1);
  return ok({
    ...done,
    parts: [await putPiece(context, opened, { series: "rows", number: part, before, isLast }, bytes)],
  });
}

function writeRows(
  format: Exclude<ExportFormat, "zip">,
  columns: readonly string[],
  rows: readonly Row[],
  isFirst: boolean,
): Uint8Array<ArrayBuffer> {
  switch (format) {
    case "csv":
      return csvLines(isFirst ? columns : null, rows);
    case "jsonl":
      return jsonLines(columns, rows);
    case "xlsx":
      // A sheet is one stream from its beginning to its end: it is made of these rows at last (assemble.ts).
      return arrayLines(rows);
  }
}
