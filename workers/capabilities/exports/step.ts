import type { ExportFormat } from "../../../core/exports/job.ts";
import { arrayLines, csvLines, jsonLines, type Row } from "../../../core/exports/lines.ts";
import type { ExportsRpc } from "../../../core/rpc/exports.ts";
import type { Handler } from "./admission.ts";
import { isOrder } from "./order.ts";
import { ok, refused } from "./result.ts";
import { openExport, putPiece } from "./sealing.ts";
import { sources } from "./sources/index.ts";

/**
 * One step: the next rows, as lines, sealed into an object of their own. Nothing of it counts before the job's row
 * says so; cut off anywhere it is done again from the same place, and what it left is discarded.
 */
export const step: Handler<ExportsRpc["step"]> = async (context, order) => {
  const { spec, part, before, cursor, asOfMs, readAudit } = order;
  if (!isOrder(order) || !Number.isSafeInteger(part) || part < 1 || (part === 1) !== (before === null))
    return refused("invalid_request");
  const source = sources[spec.source];
  const opened = await openExport(context, order);
  try {
    const database = context.databaseAs(order.reader);
    const page = await source.page({ spec, asOfMs, cursor, readAudit, database });
    const done = { rows: page.rows.length, cursor: page.cursor };
    // An export of nothing is a table without rows; and what ends it is there even when it holds none.
    const isLast = page.cursor === null;
    if (page.rows.length === 0 && part > 1 && !isLast) return ok({ ...done, part: null });
    const bytes = writeRows(spec.format, source.columns, page.rows, part === 1);
    return ok({
      ...done,
      part: await putPiece(context, opened, { series: "rows", number: part, before, isLast }, bytes),
    });
  } finally {
    opened.key.fill(0);
  }
};

function writeRows(
  format: ExportFormat,
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
