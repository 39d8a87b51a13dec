/** Async generators and the platform's streams, in both directions; whoever reads sets the pace. */

/** A stream that is pulled from a generator. */
export function toStream(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const next = await iterator.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value as Uint8Array<ArrayBuffer>);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    // Nothing is made before somebody asks for it.
    { highWaterMark: 0 },
  );
}

/** What a stream holds. Whoever stops early cancels it. */
export async function* fromStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** gzip (RFC 1952): the one compression that Workers, browsers and Node have all three. */
export const compress = (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> =>
  fromStream(toStream(source).pipeThrough(new CompressionStream("gzip")));

/** The reverse. It throws a TypeError when what comes is not gzip, ends too early, or goes on behind its end. */
export const decompress = (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> =>
  fromStream(toStream(source).pipeThrough(new DecompressionStream("gzip")));
