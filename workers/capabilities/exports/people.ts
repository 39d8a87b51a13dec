/** What members ask for themselves. */
import { rowsMaxOf } from "../../../core/exports/job.ts";
import type { ExportsRpc } from "../../../core/rpc/exports.ts";
import type { Handler } from "./admission.ts";
import { isOrder, resultSeries } from "./order.ts";
import { ok, refused } from "./result.ts";
import { newExportKey, openExport, resultBytes } from "./sealing.ts";
import { sources } from "./sources/index.ts";

export const prepare: Handler<ExportsRpc["prepare"]> = async (context, spec, id) => {
  if (!isOrder({ export: id, spec })) return refused("invalid_request");
  const rowsExpected = await sources[spec.source].count(context.database, spec, context.now());
  if (rowsExpected > rowsMaxOf(spec.format)) return refused("too_large");
  return ok({ rowsExpected, wrappedKey: await newExportKey(context, id) });
};

/** Its first piece is fetched when somebody reads it: whoever asked has put the reading on record by then. */
export const open: Handler<ExportsRpc["open"]> = async (context, order) => {
  if (!isOrder(order)) return refused("not_found");
  const opened = await openExport(context, order);
  const length = order.parts.reduce((sum, { bytes }) => sum + bytes, 0);
  return ok(context.toStream(length, resultBytes(context, opened, resultSeries(order.spec), order.parts).read()));
};
