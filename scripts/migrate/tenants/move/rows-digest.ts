import { createHash } from "node:crypto";

const newline = 0x0a;

/**
 * How many rows there were and what they were, whatever their order: the sum of their SHA-256 hashes, in four lanes
 * modulo 2^64. Which order a table's rows come in is nobody's promise. It tells copies apart that went wrong, not
 * ones that somebody chose: a sum can be made to collide by who may choose the rows.
 */
export class RowsDigest {
  rows = 0;
  /** Of the rows, their ends included. */
  bytes = 0;
  readonly #lanes = new BigUint64Array(4);

  /** @param lines whole lines, as COPY writes them */
  add(lines: Uint8Array): void {
    let from = 0;
    for (let end = lines.indexOf(newline); end !== -1; end = lines.indexOf(newline, from)) {
      const hash = createHash("sha256").update(lines.subarray(from, end)).digest();
      // Additions wrap by themselves.
      for (const lane of this.#lanes.keys())
        this.#lanes[lane] = (this.#lanes[lane] ?? 0n) + hash.readBigUInt64BE(lane * 8);
      this.rows += 1;
      from = end + 1;
    }
    if (from !== lines.length) throw new Error("a row was cut in two");
    this.bytes += lines.length;
  }

  /** Equal for the same rows as often. */
  toString(): string {
    return `${this.rows} ${[...this.#lanes].map((lane) => lane.toString(16).padStart(16, "0")).join("")}`;
  }
}
