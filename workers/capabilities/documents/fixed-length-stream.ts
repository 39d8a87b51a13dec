/** R2 takes streams whose length is known, and a stream between Workers is one of bytes: workerd's own is both. */
export function fixedLengthStream(length: number, pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  // biome-ignore lint/correctness/noUndeclaredVariables: workerd's own
  const { readable, writable } = new FixedLengthStream(length);
  const writer = writable.getWriter();
  const pump = async (): Promise<void> => {
    for await (const piece of pieces) await writer.write(piece);
    await writer.close();
  };
  // Whoever reads it learns of a failure; whoever stopped reading doesn't care.
  pump().catch((error: unknown) => writer.abort(error).catch(() => undefined));
  return readable;
}
