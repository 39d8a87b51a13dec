/**
 * Bytes of the arrays that `work` makes by length. A decoder that believed a length would show here,
 * however soon the memory is free again. Copies of what is there already have no length to believe.
 */
export function bytesAllocated(work: () => void): number {
  const real = globalThis.Uint8Array;
  let bytes = 0;
  globalThis.Uint8Array = new Proxy(real, {
    construct(target, args: unknown[]) {
      if (typeof args[0] === "number") bytes += args[0];
      return Reflect.construct(target, args) as object;
    },
  });
  try {
    work();
  } finally {
    globalThis.Uint8Array = real;
  }
  return bytes;
}
