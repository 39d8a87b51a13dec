import { createHash, hash } from "node:crypto";
import type { Sha256 } from "../../../core/audit/leaf.ts";

/** Hashed as fast as Node can: what is timed is not this, unless it says so. */
export const sha256: Sha256 = (...parts) => {
  const hashing = createHash("sha256");
  for (const part of parts) hashing.update(part);
  return new Uint8Array(hashing.digest());
};

const filler = "x".repeat(400);

/** The leaf of an entry, counted from 0 as the peer does (peer/main.go), so that both logs have the same root. */
export const leafOf = (index: number): string => `{"seq":${index},"event":"${filler}"}`;

/** RFC 9162 section 2.1.1, in one call: ten million of them are to be made. */
export const leafHashOf = (index: number): Buffer => hash("sha256", Buffer.from(`\0${leafOf(index)}`), "buffer");
