/** What members ask for themselves. */
import { rowsMaxOf, zipBytesMax } from "../../../core/exports/job.ts";
import type { ExportsRpc } from "../../../core/rpc/exports.ts";
import { sumDocuments } from "../../../store/tenant/exports.ts";
import type { Handler } from "./admission.ts";
import { isOrder, resultSeries } from "./order.ts";
import { ok, refused } from "./result.ts";
import { newExportKey, openExport, resultBytes } from "./sealing.ts";
import { sources } from "./sources/index.ts";

export const prepare: Handler<ExportsRpc["prepare"]> = async (context, spec, id) => {
  const { actor } = context.scope;
  if (!isOrder({ export: id, spec }) || actor.kind !== "user") return refused("invalid_request");
  const rowsExpected = await sources[spec.source].count(context.database, spec, context.now());
  if (rowsExpected > rowsMaxOf(spec.format)) return refused("too_large");
  const isArchive = spec.format === "zip";
  const bytesExpected = isArchive ? await sumDocuments(context.database, spec.documents, context.now()) : null;
  if (bytesExpected !== null && bytesExpected > zipBytesMax) return refused("too_large");
  // As whom they are here, which nobody's row says.
  const { user, role } = actor;
  const wrappedKey = await newExportKey(context, { export: id, spec, requestedBy: user, requestedRole: role });
  return ok({ rowsExpected, bytesExpected, wrappedKey });
};

/** Its first piece is fetched when somebody reads it: whoever asked has put the reading on record by then. */
export const open: Handler<ExportsRpc["open"]> = async (context, order) => {
  if (!isOrder(order)) return refused("not_found");
  const opened = await openExport(context, order);
  const length = order.parts.reduce((sum, { bytes }) => sum + bytes, 0);
  return ok(context.toStream(length, resultBytes(context, opened, resultSeries(order.spec), order.parts).read()));
};
