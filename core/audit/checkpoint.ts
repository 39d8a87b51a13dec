/**
 * Checkpoints of a log (C2SP tlog-checkpoint): three lines, origin, size and root, as a signed note; and
 * cosignatures, by which a witness says that it saw this log grow and nothing else (C2SP tlog-cosignature).
 */
import type { Sha256 } from "./leaf.ts";
import { type LogName, parseLogName } from "./logs.ts";
import {
  bearsSignature,
  formatSignature,
  fromBase64,
  keyIdOf,
  type NoteSignature,
  type SignedNote,
  toBase64,
  type Verifier,
} from "./signed-note.ts";
import { hashBytes } from "./tree.ts";

export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  /** RFC 9162 tree root, 32 bytes. */
  readonly root: Uint8Array<ArrayBuffer>;
}

/** `sentinel/{host}/{log}`: the name of a log, and of the key that signs for it. */
export function originOf(issuer: string, log: LogName): string {
  return `sentinel/${new URL(issuer).host}/${log}`;
}

/** The log that an origin names; null for an origin that is not one of ours. */
export function logOfOrigin(origin: string): LogName | null {
  const [, log] = /^sentinel\/[a-z0-9.:[\]-]{1,253}\/([a-z0-9_-]+)$/.exec(origin) ?? [];
  return parseLogName(log);
}

export function headText({ origin, size, root }: TreeHead): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** Null for a text that is not exactly the head of a log of ours: we write no extension lines. */
export function parseHead(text: string): TreeHead | null {
  const [origin = "", size = "", encoded = "", end, ...more] = text.split("\n");
  const root = fromBase64(encoded);
  if (end !== "" || more.length > 0 || logOfOrigin(origin) === null) return null;
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) return null;
  return root?.length === hashBytes ? { origin, size: Number(size), root } : null;
}

/**
 * The head that a note says, if one of these keys signed it.
 * @param keys the log's own, today's and those it signed with before
 * @returns null when it is not a checkpoint of these keys' log
 */
export async function verifyCheckpoint(
  note: SignedNote,
  keys: readonly Verifier[],
  sha256: Sha256,
): Promise<TreeHead | null> {
  const head = parseHead(note.text);
  if (head === null) return null;
  for (const key of keys) {
    // A key signs for the log whose name it bears, and for no other.
    if (key.name === head.origin && (await bearsSignature(note, key, sha256))) return head;
  }
  return null;
}

/** Bytes of the time in front of a cosignature's Ed25519 signature. */
const timeBytes = 8;
const signatureBytes = 64;

const cosignedText = (text: string, seconds: number): string => `cosignature/v1\ntime ${seconds}\n${text}`;

/** When a cosignature was made, Unix seconds; null when it has another form or a time beyond all calendars. */
export function cosignedAt(signature: Uint8Array<ArrayBuffer>): number | null {
  if (signature.length !== timeBytes + signatureBytes) return null;
  const seconds = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
  return Number.isSafeInteger(seconds) && seconds <= 253_402_300_799 ? seconds : null;
}

/** Whether this witness cosigned the note. */
export function isCosigned(note: SignedNote, witness: Verifier, sha256: Sha256): Promise<boolean> {
  return bearsSignature(note, witness, sha256, (signature) => {
    const seconds = cosignedAt(signature);
    return seconds === null
      ? null
      : { message: cosignedText(note.text, seconds), signature: signature.slice(timeBytes) };
  });
}

/**
 * A witness's line under a checkpoint. Whoever calls it has verified that the log only grew.
 * @param nowMs the witness's clock
 */
export async function cosign(
  text: string,
  witness: Verifier,
  privateKey: CryptoKey,
  nowMs: number,
  sha256: Sha256,
): Promise<string> {
  const seconds = Math.floor(nowMs / 1000);
  const signature = new Uint8Array(timeBytes + signatureBytes);
  new DataView(signature.buffer).setBigUint64(0, BigInt(seconds));
  const message = new TextEncoder().encode(cosignedText(text, seconds));
  signature.set(new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, message)), timeBytes);
  const line: NoteSignature = { name: witness.name, keyId: keyIdOf(witness, sha256), signature };
  return formatSignature(line);
}
