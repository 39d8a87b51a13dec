import { writeXlsxStream } from "hucre/xlsx";
import { type Cell, sheetText } from "../../../core/exports/cells.ts";
import type { ResultBytes } from "../../../core/exports/destination.ts";
import type { ExportsRpc } from "../../../core/rpc/exports.ts";
import type { Handler } from "./admission.ts";
import { isOrder } from "./order.ts";
import { PieceWriter } from "./piece-writer.ts";
import { ok, refused } from "./result.ts";
import { openExport, piecesOf, resultBytes } from "./sealing.ts";
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
    const writer = new PieceWriter(context, opened, { series: "sheet", pieceBytes });
    for await (const bytes of piecesOf(sheet)) await writer.push(bytes);
    return ok(await writer.flush(true));
  } catch (error) {
    if (error instanceof Stopped) return refused("not_found");
    throw error;
  } finally {
    opened.key.fill(0);
  }
};

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
