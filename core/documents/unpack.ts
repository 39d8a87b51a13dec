import { Inflate } from "fflate";

/** How much of the input is given at a time: what one step may make of it is a thousand times as much at most. */
const stepBytes = 1024;

/**
 * Inflates (RFC 1951) up to a number of bytes and then stops: what is small may unpack to anything.
 * @param packed raw deflate
 * @returns as much as was wanted or there was; null when it is not deflate
 */
export function inflateBounded(packed: Uint8Array, bytesMax: number): Uint8Array | null {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const inflate = new Inflate((piece) => {
    pieces.push(piece);
    length += piece.length;
  });
  try {
    for (let at = 0; at < packed.length && length < bytesMax; at += stepBytes) {
      inflate.push(packed.subarray(at, at + stepBytes), at + stepBytes >= packed.length);
    }
  } catch {
    return null;
  }
  const whole = new Uint8Array(Math.min(length, bytesMax));
  let filled = 0;
  for (const piece of pieces) {
    const fits = piece.subarray(0, whole.length - filled);
    whole.set(fits, filled);
    filled += fits.length;
  }
  return whole;
}
