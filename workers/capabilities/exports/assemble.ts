import { writeXlsxStream } from "hucre/xlsx";
import { ByteQueue } from "../../../core/byte-queue.ts";
import { type Cell, sheetText } from "../../../core/exports/cells.ts";
import type { ResultBytes } from "../../../core/exports/destination.ts";
import type { ExportPart, ExportsRpc } from "../../../core/rpc/exports.ts";
import type { CallContext, Handler } from "./admission.ts";
import { isOrder } from "./order.ts";
import { ok, refused } from "./result.ts";
import { type OpenExport, openExport, putPiece, resultBytes } from "./sealing.ts";
import { sources } from "./sources/index.ts";

/** Bytes of each piece of a sheet: what is held of it at a time. */
const pieceBytes = 4 * 1024 ** 2;
/** Rows between two words to studio. */
const beatRows = 5_000;

/** Nobody wants it any more, or somebody else makes it. */
class Stopped extends Error {
  override readonly name = "Stopped";
}

/**
 * A sheet of the rows of all steps. It streams from the bucket into the bucket, so its memory does not grow with it;
 * cut off, it is made again from the rows that are there.
 */
export const assemble: Handler<ExportsRpc["assemble"]> = async (context, order) => {
  if (!isOrder(order) || order.spec.format !== "xlsx") return refused("invalid_request");
  const { columns } = sources[order.spec.source];
  const opened = await openExport(context, order);
  try {
    const rows = beating(rowsOf(resultBytes(context, opened, "rows", order.parts)), order.onProgress);
    const sheet = writeXlsxStream(rows, {
      name: order.spec.source,
      columns: columns.map((header) => ({ header })),
      freezePane: { rows: 1 },
    });
    return ok(await putAll(context, opened, sheet));
  } catch (error) {
    if (error instanceof Stopped) return refused("not_found");
    throw error;
  } finally {
    opened.key.fill(0);
  }
};

async function putAll(
  context: CallContext,
  opened: OpenExport,
  stream: ReadableStream<Uint8Array>,
): Promise<readonly ExportPart[]> {
  const parts: ExportPart[] = [];
  const put = async (bytes: Uint8Array<ArrayBuffer>, isLast: boolean): Promise<void> => {
    const place = { series: "sheet", number: parts.length + 1, before: parts.at(-1)?.object ?? null, isLast } as const;
    parts.push(await putPiece(context, opened, place, bytes));
  };
  const queue = new ByteQueue();
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      queue.push(next.value);
      // The last one says so: something is kept back for it.
      while (queue.length > pieceBytes) await put(queue.take(pieceBytes), false);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  await put(queue.take(queue.length), true);
  return parts;
}

/** The rows that the steps wrote, a line each. */
async function* rowsOf(result: ResultBytes): AsyncGenerator<Cell[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest = "";
  for await (const piece of result.read()) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield cellsOf(line);
  }
  if (rest !== "") throw new Error("the rows of an export end within one");
}

const cellsOf = (line: string): Cell[] =>
  (JSON.parse(line) as Cell[]).map((cell) => (typeof cell === "string" ? sheetText(cell) : cell));

/** @throws Stopped */
async function* beating(
  rows: AsyncIterable<Cell[]>,
  onProgress: (rows: number) => Promise<boolean>,
): AsyncGenerator<Cell[]> {
  let count = 0;
  for await (const row of rows) {
    if (count % beatRows === 0 && !(await onProgress(count))) throw new Stopped();
    count += 1;
    yield row;
  }
}
