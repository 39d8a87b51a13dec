/** Largest value of four bytes of seven bits (5.0 section 1.5.5; 3.1.1 section 2.2.3). */
export const variableByteIntegerMax = 268_435_455;

/**
 * Bytes that a value takes as a variable byte integer.
 * @throws RangeError when it has none
 */
export function variableByteIntegerBytes(value: number): 1 | 2 | 3 | 4 {
  if (!Number.isInteger(value) || value < 0 || value > variableByteIntegerMax)
    throw new RangeError("a variable byte integer is a whole number of at most 268,435,455 (section 1.5.5)");
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

/** Writes a value in as few bytes as it takes [MQTT-1.5.5-1]; the offset behind it. */
export function writeVariableByteInteger(value: number, into: Uint8Array, at: number): number {
  let rest = value;
  let next = at;
  for (; rest > 0x7f; rest >>>= 7) into[next++] = (rest & 0x7f) | 0x80;
  into[next] = rest;
  return next + 1;
}
