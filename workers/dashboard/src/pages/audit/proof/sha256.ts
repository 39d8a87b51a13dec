import { sha256 as hasher } from "@noble/hashes/sha2.js";
import type { Sha256 } from "../../../../../../core/audit/leaf.ts";

/** Synchronous, as the tree of the log wants it; the browser's own is not. */
export const sha256: Sha256 = (...parts) => {
  const hash = hasher.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
};
