/**
 * C2SP signed-note: a text, an empty line, and signature lines `— name base64(key id ‖ signature)`.
 * What is read here comes from outside, so it is parsed strictly: a note that could be written in
 * another way is no note.
 */
import { hex, type Sha256 } from "./leaf.ts";

/** How a key signs: plain Ed25519, or a witness's time-stamped cosignature (C2SP tlog-cosignature). */
export const signatureTypes = { ed25519: 1, cosignature: 4 } as const;
export type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes];

/** A key that a reader trusts, under its name. */
export interface Verifier {
  readonly name: string;
  readonly type: SignatureType;
  /** Raw Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export interface NoteSignature {
  readonly name: string;
  /** Lower-case hex of 4 bytes. */
  readonly keyId: string;
  readonly signature: Uint8Array<ArrayBuffer>;
}

export interface SignedNote {
  /** With its last newline: what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Characters of a note: a checkpoint of ours has some 300 and each witness adds 200. */
export const noteCharactersMax = 8192;
/** The specification asks for 16 at least. */
const signaturesMax = 16;
export const publicKeyBytes = 32;
const keyIdBytes = 4;

const utf8 = new TextEncoder();

/** Whether a text may name a key: no blanks and no plus, which separate a name from what follows it. */
export function isKeyName(name: string): boolean {
  return name !== "" && name.length <= 256 && !/[\s+\p{Cc}]/u.test(name);
}

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key), its first 4 bytes, lower-case hex. */
export function keyIdOf({ name, type, publicKey }: Verifier, sha256: Sha256): string {
  return hex(sha256(utf8.encode(`${name}\n`), new Uint8Array([type]), publicKey).slice(0, keyIdBytes));
}

/** `name+key id+base64(type ‖ public key)`, as public tools take a key. */
export function formatVerifier(verifier: Verifier, sha256: Sha256): string {
  const encoded = toBase64(new Uint8Array([verifier.type, ...verifier.publicKey]));
  return `${verifier.name}+${keyIdOf(verifier, sha256)}+${encoded}`;
}

/** Null for anything that is not exactly a key of a type known here, or whose id is not its own. */
export function parseVerifier(text: string, sha256: Sha256): Verifier | null {
  const [, name = "", keyId, encoded = ""] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  const bytes = fromBase64(encoded);
  const type = Object.values(signatureTypes).find((known) => known === bytes?.[0]);
  if (!isKeyName(name) || bytes?.length !== publicKeyBytes + 1 || type === undefined) return null;
  const verifier: Verifier = { name, type, publicKey: bytes.slice(1) };
  return keyIdOf(verifier, sha256) === keyId ? verifier : null;
}

/** One line, with its newline. */
export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  return `\u2014 ${name} ${toBase64(new Uint8Array([...bytesOfHex(keyId), ...signature]))}\n`;
}

/** Null for a line that is none, its newline left out. */
export function parseSignature(line: string): NoteSignature | null {
  const [, name = "", encoded = ""] = /^\u2014 (\S+) ([A-Za-z0-9+/=]+)$/u.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || bytes === null || bytes.length <= keyIdBytes) return null;
  return { name, keyId: hex(bytes.slice(0, keyIdBytes)), signature: bytes.slice(keyIdBytes) };
}

export function formatNote({ text, signatures }: SignedNote): string {
  return `${text}\n${signatures.map(formatSignature).join("")}`;
}

/** Null for anything that is not exactly a note. It says nothing of who signed. */
export function parseNote(note: string): SignedNote | null {
  const split = note.lastIndexOf("\n\n");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the specification forbids exactly these.
  if (note.length > noteCharactersMax || split < 1 || /[\u0000-\u0009\u000b-\u001f]/.test(note)) return null;
  const lines = note.slice(split + 2).split("\n");
  if (lines.pop() !== "" || lines.length === 0 || lines.length > signaturesMax) return null;
  const signatures = lines.map(parseSignature);
  if (signatures.some((signature) => signature === null)) return null;
  return { text: note.slice(0, split + 1), signatures: signatures as NoteSignature[] };
}

/**
 * Whether a note bears a good signature of exactly this key. A line under the key's name and id that does
 * not verify makes the whole note bad, as the specification asks.
 * @param signed what the key signed, when it is more than the note's text (a cosignature's header)
 */
export async function bearsSignature(
  note: SignedNote,
  verifier: Verifier,
  sha256: Sha256,
  signed: (signature: Uint8Array<ArrayBuffer>) => { message: string; signature: Uint8Array<ArrayBuffer> } | null = (
    signature,
  ) => ({ message: note.text, signature }),
): Promise<boolean> {
  const keyId = keyIdOf(verifier, sha256);
  const own = note.signatures.filter(({ name, keyId: id }) => name === verifier.name && id === keyId);
  if (own.length === 0) return false;
  const key = await crypto.subtle.importKey("raw", verifier.publicKey, "Ed25519", false, ["verify"]);
  for (const { signature } of own) {
    const parts = signed(signature);
    if (parts === null) return false;
    const good = await crypto.subtle.verify("Ed25519", key, parts.signature, utf8.encode(parts.message));
    if (!good) return false;
  }
  return true;
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** RFC 4648 section 4, padded and canonical; null for any other spelling. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null;
}

function bytesOfHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
