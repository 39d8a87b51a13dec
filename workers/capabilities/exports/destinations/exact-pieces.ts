/**
 * Passes pieces on and makes sure that they come to what was announced: a result that is cut off must not look whole
 * at its destination.
 * @throws Error when there are fewer or more bytes
 */
export async function* exactPieces(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  length: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let passed = 0;
  for await (const piece of pieces) {
    passed += piece.length;
    if (passed > length) break;
    yield piece;
  }
  if (passed !== length) throw new Error("a result has another length than its job says");
}
