import type { KeptLeaf } from "../../../core/audit/leaf-judge.ts";
import { CliError } from "../cli-error.ts";

/**
 * The leaves of a bundle as C2SP tlog-tiles has them: each behind its length in two bytes, big endian.
 * @param before how many entries come before it
 * @throws CliError `refused`
 */
export function* leavesOfBundle(bundle: Buffer, before: number): Generator<KeptLeaf> {
  let seq = before;
  for (let at = 0; at < bundle.length; ) {
    const end = at + 2 + (at + 2 <= bundle.length ? bundle.readUInt16BE(at) : Number.POSITIVE_INFINITY);
    if (end > bundle.length) throw new CliError("refused", "a bundle of entries ends in the middle of one");
    seq += 1;
    yield { seq, leafJson: bundle.toString("utf8", at + 2, end) };
    at = end;
  }
}
