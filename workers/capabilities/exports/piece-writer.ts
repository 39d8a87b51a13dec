import { ByteQueue } from "../../../core/byte-queue.ts";
import type { ExportPart } from "../../../core/rpc/exports.ts";
import type { CallContext } from "./admission.ts";
import { type OpenExport, type PieceSeries, putPiece } from "./sealing.ts";

/** Writes a stream of bytes as pieces, each behind the one before; it holds one of them at a time. */
export class PieceWriter {
  readonly #context: CallContext;
  readonly #opened: OpenExport;
  readonly #of: { readonly series: PieceSeries; readonly pieceBytes: number };
  readonly #queue = new ByteQueue();
  /** Written by `#put` alone. */
  readonly parts: ExportPart[] = [];
  /** Of the next piece. */
  #number: number;
  #before: string | null;

  constructor(
    context: CallContext,
    opened: OpenExport,
    of: { readonly series: PieceSeries; readonly pieceBytes: number },
    from: { readonly number: number; readonly before: string | null } = { number: 1, before: null },
  ) {
    [this.#context, this.#opened, this.#of] = [context, opened, of];
    [this.#number, this.#before] = [from.number, from.before];
  }

  async push(bytes: Uint8Array): Promise<void> {
    this.#queue.push(bytes);
    // The last one says that it is: something is kept back for it.
    while (this.#queue.length > this.#of.pieceBytes) await this.#put(this.#of.pieceBytes, false);
  }

  /** What is left, as a piece of its own; of nothing none, but where it is the end of all. */
  async flush(isLast: boolean): Promise<readonly ExportPart[]> {
    if (this.#queue.length > 0 || isLast) await this.#put(this.#queue.length, isLast);
    return this.parts;
  }

  async #put(bytes: number, isLast: boolean): Promise<void> {
    const place = { series: this.#of.series, number: this.#number, before: this.#before, isLast };
    const part = await putPiece(this.#context, this.#opened, place, this.#queue.take(bytes));
    this.parts.push(part);
    this.#number += 1;
    this.#before = part.object;
  }
}
