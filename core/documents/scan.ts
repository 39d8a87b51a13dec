/**
 * The place at which a document is scanned before anybody can read it. A scanner is given all of its bytes, once, and
 * in order; what it does not answer counts as found, and so does what it could not look at.
 */

export type Verdict =
  | { readonly kind: "clean" }
  /** @property name what the scanner calls it, for people */
  | { readonly kind: "found"; readonly name: string }
  /** It could not be looked at: encrypted, too large for the scanner, or the scanner has failed. */
  | { readonly kind: "unscannable"; readonly reason: string };

export interface Scanner {
  /**
   * Looks at one document.
   * @param bytes all of them, in pieces of any size; reading may end early
   */
  scan(bytes: AsyncIterable<Uint8Array>): Promise<Verdict>;
}

/**
 * The test file that every scanner takes for a virus (EICAR, "Intended use of the anti malware test file", 2003).
 * Put together here, so that this file is not one.
 */
export const eicar: string = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*"].join("");

/**
 * Finds EICAR's test file, wherever in a document it stands, and nothing else: it shows that the place of the scanner
 * works, in development and in tests, and is no protection against anything.
 */
export const localScanner: Scanner = {
  async scan(bytes) {
    const pattern = new TextEncoder().encode(eicar);
    let carried = new Uint8Array();
    for await (const piece of bytes) {
      // Across the border of two pieces, too.
      const both = new Uint8Array(carried.length + Math.min(piece.length, pattern.length - 1));
      both.set(carried);
      both.set(piece.subarray(0, both.length - carried.length), carried.length);
      if (includes(both, pattern) || includes(piece, pattern)) return { kind: "found", name: "EICAR test file" };
      const last = piece.length >= pattern.length - 1 ? piece : both;
      carried = last.slice(Math.max(0, last.length - (pattern.length - 1)));
    }
    return { kind: "clean" };
  },
};

function includes(bytes: Uint8Array, pattern: Uint8Array): boolean {
  const first = pattern[0] ?? 0;
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1)) {
    if (at + pattern.length > bytes.length) return false;
    if (pattern.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}
