/**
 * The leaf of one audit entry. docs/audit-leaf.md is the specification; this encoding is final,
 * because every hash ever published rests on it. Salts and the hash function are arguments, so
 * this file stays pure and anyone can recompute a leaf.
 */
import canonicalize from "canonicalize";
import { type AuditEntry, type AuditFields, personalFields } from "./events.ts";

/** SHA-256 over the concatenation of its arguments. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array;

/** Bytes of salt per personal field: a commitment to a guessable value (an address) hides it. */
export const saltBytes = 16;

export type PersonalField = (typeof personalFields)[number];

/** Salt of each committed field. */
export type Salts = Readonly<Partial<Record<PersonalField, Uint8Array>>>;

/** What stands in a leaf in place of a personal field: lower-case hex. */
export interface Commitment {
  readonly sha256: string;
}

/** Everything of an entry but its hash. */
export type UnhashedEntry = Omit<AuditEntry, "leaf_hash">;

/** RFC 9162 section 2.1.1: a leaf is hashed behind this byte, an inner node behind 0x01. */
const leafPrefix = new Uint8Array([0]);

const utf8 = new TextEncoder();

/** The personal fields of an event that hold something; only they need a salt. */
export function committedFields(event: AuditFields): PersonalField[] {
  const values = event as unknown as Readonly<Record<string, unknown>>;
  return personalFields.filter((field) => typeof values[field] === "string");
}

/**
 * A salted commitment: SHA-256(salt ‖ RFC 8785 JSON of the value), lower-case hex.
 * Without the salt it says nothing of the value; with it, no other value fits.
 */
export function commit(salt: Uint8Array, value: string, sha256: Sha256): Commitment {
  if (salt.length !== saltBytes) throw new RangeError("a commitment needs 16 bytes of salt");
  return { sha256: hex(sha256(salt, utf8.encode(jcs(value)))) };
}

/**
 * The exact text that is hashed: RFC 8785 canonical JSON of the entry, personal fields replaced by
 * commitments. A personal field that is null stays null: there is nobody to protect.
 */
export function leafJson(entry: UnhashedEntry, salts: Salts, sha256: Sha256): string {
  const event: Record<string, unknown> = { ...entry.event };
  for (const field of committedFields(entry.event)) {
    const salt = salts[field];
    if (salt === undefined) throw new Error(`no salt for ${field}`);
    event[field] = commit(salt, event[field] as string, sha256);
  }
  return jcs({
    version: entry.version,
    log: entry.log,
    seq: entry.seq,
    at: entry.at,
    request_id: entry.request_id,
    phase: entry.phase,
    intent_seq: entry.intent_seq,
    result: entry.result,
    event,
  });
}

/** RFC 9162 leaf hash of a leaf's text: SHA-256(0x00 ‖ UTF-8 bytes), lower-case hex. */
export function leafHash(leaf: string, sha256: Sha256): string {
  return hex(leafHashBytes(leaf, sha256));
}

/** The same as the tree has it. */
export function leafHashBytes(leaf: string, sha256: Sha256): Uint8Array {
  return sha256(leafPrefix, utf8.encode(leaf));
}

/** RFC 8785 (JCS). Throws for what JSON can't carry; entries were parsed, so it never does. */
export function jcs(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error("not a JSON value");
  return text;
}

/** Of each byte; every entry's hashes are written by it, in its log and in whoever verifies that. */
const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hexDigits[byte];
  return text;
}
