/**
 * Memory that parsing may ask for. A PDF of some KiB can unpack to gigabytes, filter upon filter; all of pdf.js's
 * filters grow arrays of bytes for what they unpack, or have the platform unpack, so that is where it is counted. It counts what was asked for and
 * not what is held, so it bounds the work too.
 */

/** Of one array: a page's drawing has some MiB, a font with all of China's characters 20. */
const arrayBytesMax = 32 * 1024 * 1024;
/** Of all arrays for one PDF; an array that grows is counted at each size. */
const bytesMax = 256 * 1024 * 1024;

/** More than a PDF may ask for. */
export class TooMuch extends RangeError {
  override readonly name = "TooMuch";
}

/** Written by `countMemory`'s arrays and `beginCount`. */
let asked = 0;
/** True from the first refusal on: whoever catches it and goes on is refused still. */
let isOver = false;

/** A new PDF begins. */
export function beginCount(): void {
  asked = 0;
  isOver = false;
}

/** Whether this PDF asked for more than it may, whatever became of the error. */
export const wasTooMuch = (): boolean => isOver;

/** @param whole bytes of the array or stream, these included @throws TooMuch */
function count(bytes: number, whole: number): void {
  asked += bytes;
  if (!isOver && whole <= arrayBytesMax && asked <= bytesMax) return;
  isOver = true;
  throw new TooMuch("a PDF asked for more memory than it may");
}

type Unpacker = new (format: string) => TransformStream<Uint8Array, Uint8Array>;

/** Where parsers find what they make; what has no type of its own everywhere is named here. */
interface Scope {
  Uint8Array: Uint8ArrayConstructor;
  DecompressionStream: Unpacker;
}

/** Counts what is asked of arrays and what is unpacked from now on. */
export function countMemory(scope: Scope = globalThis as unknown as Scope): void {
  scope.Uint8Array = new Proxy(scope.Uint8Array, {
    construct(target, given: readonly unknown[], newTarget) {
      const [first] = given;
      // A view of a buffer takes none; a copy takes as much as what is copied.
      const bytes = typeof first === "number" ? first : ArrayBuffer.isView(first) ? first.byteLength : 0;
      count(bytes, bytes);
      return Reflect.construct(target, [...given], newTarget) as Uint8Array;
    },
  });
  scope.DecompressionStream = new Proxy(scope.DecompressionStream, {
    construct(target, [format]: [string]) {
      const { readable, writable } = new target(format);
      return { readable: readable.pipeThrough(counting()), writable };
    },
  });
}

function counting(): TransformStream<Uint8Array, Uint8Array> {
  let whole = 0;
  return new TransformStream({
    transform(piece, controller) {
      whole += piece.byteLength;
      count(piece.byteLength, whole);
      controller.enqueue(piece);
    },
  });
}
