/** A witness's private key, in a file of its own: `PRIVATE+KEY+name+id+base64(type ‖ seed)`, as Go's note package writes one. */
import { closeSync, existsSync, fsyncSync, openSync, writeSync } from "node:fs";
import type { cosign } from "../../../../core/audit/checkpoint.ts";
import {
  formatVerifier,
  fromBase64,
  isKeyName,
  keyIdOf,
  publicKeyBytes,
  signatureTypes,
  toBase64,
  type Verifier,
} from "../../../../core/audit/signed-note.ts";
import { parseWitnessKey } from "../../../../core/audit/witness-key.ts";
import { CliError } from "../../cli-error.ts";
import { readPrivateFile } from "../../private-file.ts";
import { sha256 } from "../shown-log.ts";

export interface WitnessKey {
  readonly verifier: Verifier;
  /** What the organisation registers: `name+id+key`. */
  readonly text: string;
  readonly privateKey: Parameters<typeof cosign>[2];
}

/** PKCS #8 of an Ed25519 seed (RFC 8410 section 7) begins with these bytes. */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const marker = "PRIVATE+KEY+";

/** What is wrong with a name for a witness's key, or null. */
export function refuseWitnessName(name: string): string | null {
  if (!isKeyName(name) || !/^[\x21-\x7e]+$/.test(name)) return "takes a name without blanks and plus signs";
  const probe: Verifier = { name, type: signatureTypes.cosignature, publicKey: new Uint8Array(publicKeyBytes) };
  return parseWitnessKey(formatVerifier(probe, sha256), sha256) === null ? "is the name of a log" : null;
}

/**
 * Makes a key and keeps it in a new file that its owner alone can read.
 * @throws CliError `bad_key_file` when there is a file already, or none can be written
 */
export async function makeWitnessKey(path: string, name: string): Promise<WitnessKey> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("publicKey" in pair)) throw new Error("an Ed25519 key is a pair");
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const verifier: Verifier = { name, type: signatureTypes.cosignature, publicKey };
  const seed = pkcs8.subarray(pkcs8Prefix.length);
  const secret = toBase64(new Uint8Array([signatureTypes.cosignature, ...seed]));
  let file: number;
  try {
    file = openSync(path, "wx", 0o600);
  } catch (error) {
    throw new CliError("bad_key_file", `can't make ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    writeSync(file, `${marker}${name}+${keyIdOf(verifier, sha256)}+${secret}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return await readWitnessKey(path);
}

/** Null when there is none yet. */
export async function findWitnessKey(path: string): Promise<WitnessKey | null> {
  return existsSync(path) ? await readWitnessKey(path) : null;
}

/** @throws CliError `bad_key_file`, which never quotes the file */
async function readWitnessKey(path: string): Promise<WitnessKey> {
  const code = "bad_key_file";
  const leaked = ", and take another key: this one may have been read";
  const text = readPrivateFile({ path, code, whenLeaked: leaked });
  const [, name = "", id, encoded = ""] = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  const bytes = fromBase64(encoded);
  if (
    bytes?.length !== publicKeyBytes + 1 ||
    bytes[0] !== signatureTypes.cosignature ||
    refuseWitnessName(name) !== null
  )
    throw new CliError(code, `${path} holds no witness's key`);
  const pkcs8 = Buffer.concat([pkcs8Prefix, bytes.subarray(1)]);
  // Extractable only to make its public half.
  const extractable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x = "" } = await crypto.subtle.exportKey("jwk", extractable);
  const publicKey = new Uint8Array(Buffer.from(x, "base64url"));
  const verifier: Verifier = { name, type: signatureTypes.cosignature, publicKey };
  if (keyIdOf(verifier, sha256) !== id) throw new CliError(code, `${path} was damaged: its id is not its key's`);
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return { verifier, text: formatVerifier(verifier, sha256), privateKey };
}
