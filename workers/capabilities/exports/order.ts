import { type ExportSpec, exportSources, formatsOf } from "../../../core/exports/job.ts";
import { parseId } from "../../../core/ids.ts";
import type { ExportOrder } from "../../../core/rpc/exports.ts";
import type { PieceSeries } from "./sealing.ts";

/** What studio has checked, once more: an id of another shape would name another organisation's objects. */
export const isOrder = ({ export: id, spec }: Pick<ExportOrder, "export" | "spec">): boolean =>
  parseId("export", id) !== null && exportSources.includes(spec.source) && formatsOf(spec.source).includes(spec.format);

/** What a result of this is made up of. */
export const resultSeries = ({ format }: ExportSpec): PieceSeries => (format === "xlsx" ? "sheet" : "rows");
