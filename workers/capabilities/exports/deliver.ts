import { exportFileName, mediaTypes } from "../../../core/exports/job.ts";
import type { ExportsRpc } from "../../../core/rpc/exports.ts";
import type { Handler } from "./admission.ts";
import { ClaimLost } from "./destinations/while-claimed.ts";
import { isOrder, resultSeries } from "./order.ts";
import { openExport, resultBytes } from "./sealing.ts";

/** Takes a result to its destination. Done again, it leaves one result there; it stops when somebody else does it. */
export const deliver: Handler<ExportsRpc["deliver"]> = async (context, order) => {
  const { spec, parts, rows, createdAt, target, onProgress } = order;
  if (!isOrder(order)) return { ok: false, code: "destination_gone" };
  const port = target === null ? null : await context.openDestination(context.dataKeys, target, onProgress);
  if (port === null) return { ok: false, code: "destination_gone" };
  const opened = await openExport(context, order);
  try {
    return await port.deliver(resultBytes(context, opened, resultSeries(spec), parts), {
      id: order.export,
      org: context.scope.org,
      source: spec.source,
      format: spec.format,
      fileName: exportFileName(order.export, spec, createdAt),
      mediaType: mediaTypes[spec.format],
      sizeBytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      rows,
      createdAt,
    });
  } catch (error) {
    if (error instanceof ClaimLost) return { ok: false, code: "claim_lost" };
    throw error;
  } finally {
    opened.key.fill(0);
  }
};
