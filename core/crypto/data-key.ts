import { base64url } from "jose";
import { type DataKeyId, type OrgId, parseId } from "../ids.ts";
import { wrappedKeyBytes } from "./key-wrapper.ts";

/**
 * One organisation's data key, and what it seals: AES-256-GCM (NIST SP 800-38D), as text
 * `{version}.{data key's id}.{nonce}.{ciphertext and tag}`. Organisation, place and key id are in the additional
 * data, so what was sealed for one place opens nowhere else.
 *
 * Rows and wrapped keys are sealed by two keys that are derived from it (HKDF-SHA-256, RFC 5869): a row's text
 * can't be passed off as a wrapped key, whatever the additional data say.
 */
export interface DataKey {
  readonly id: DataKeyId;
  readonly org: OrgId;
  readonly rows: CryptoKey;
  readonly keys: CryptoKey;
}

/** What a sealed text is: a row's content, or another key. */
export type SealedKind = "rows" | "keys";
const versions: Readonly<Record<SealedKind, string>> = { rows: "d1", keys: "w1" };

/** Where a sealed text belongs inside its organisation. */
export interface SealedPlace {
  /** Table and column, such as `commands.args`; for a wrapped key, `key`. */
  readonly table: string;
  /** The row's id; for a wrapped key, its purpose. */
  readonly row: string;
}

/** 96 bits, drawn at random for each message (SP 800-38D section 8.2.2). */
export const nonceBytes = 12;

/**
 * Messages that one data key may seal, before the next one takes over. SP 800-38D section 8.3 allows 2^32 with
 * random nonces; of 2^30 two are alike with a probability of 2^-37. The table's own check repeats it.
 */
export const dataKeyMessagesMax = 2 ** 30;

/** The text was changed, or belongs to another place, organisation or key. */
export class SealBroken extends Error {
  override readonly name = "SealBroken";
}

/**
 * Imports a data key; it can only seal and open from there on.
 * @param bytes 32
 */
export async function importDataKey(org: OrgId, id: DataKeyId, bytes: Uint8Array<ArrayBuffer>): Promise<DataKey> {
  if (bytes.length !== wrappedKeyBytes) throw new RangeError("a data key has 32 bytes");
  const root = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"]);
  const derive = (kind: SealedKind): Promise<CryptoKey> => {
    const info = new TextEncoder().encode(`sentinel data key ${versions[kind]}`);
    const parameters = { name: "HKDF", hash: "SHA-256", salt: new TextEncoder().encode(org), info };
    return crypto.subtle.deriveKey(parameters, root, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  };
  const [rows, keys] = await Promise.all([derive("rows"), derive("keys")]);
  return { id, org, rows, keys };
}

/**
 * Seals bytes for one place.
 * @param nonce fresh random bytes; each counts towards {@link dataKeyMessagesMax}
 */
export async function sealAt(
  key: DataKey,
  kind: SealedKind,
  place: SealedPlace,
  plaintext: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (nonce.length !== nonceBytes) throw new RangeError("a sealed text needs a nonce of 12 bytes");
  const sealed = new Uint8Array(await crypto.subtle.encrypt(parameters(key, kind, place, nonce), key[kind], plaintext));
  return [versions[kind], key.id, base64url.encode(nonce), base64url.encode(sealed)].join(".");
}

/**
 * Opens what {@link sealAt} made of the same kind, for the same place, under the same key.
 * @throws SealBroken
 */
export async function openAt(
  key: DataKey,
  kind: SealedKind,
  place: SealedPlace,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts = partsOf(kind, text);
  if (parts === null || parts.id !== key.id) throw new SealBroken("not a sealed text of this key");
  try {
    const algorithm = parameters(key, kind, place, parts.nonce);
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key[kind], parts.sealed));
  } catch {
    throw new SealBroken("the sealed text does not open here");
  }
}

/** Which data key a text was sealed under; null when it is none of ours. */
export function sealedUnder(kind: SealedKind, text: string): DataKeyId | null {
  return partsOf(kind, text)?.id ?? null;
}

interface Parts {
  readonly id: DataKeyId;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

function partsOf(kind: SealedKind, text: string): Parts | null {
  const [version, idText, nonceText = "", sealedText = "", ...rest] = text.split(".");
  const id = parseId("dataKey", idText);
  const nonce = decode(nonceText);
  const sealed = decode(sealedText);
  if (version !== versions[kind] || id === null || rest.length > 0) return null;
  return nonce?.length === nonceBytes && sealed !== null ? { id, nonce, sealed } : null;
}

/** JSON keeps the parts apart: none can be cut elsewhere into the same bytes. */
function parameters(key: DataKey, kind: SealedKind, place: SealedPlace, nonce: Uint8Array<ArrayBuffer>): AesGcmParams {
  const bound = ["sentinel-data", versions[kind], key.id, key.org, place.table, place.row];
  const additionalData = new TextEncoder().encode(JSON.stringify(bound));
  return { name: "AES-GCM", iv: nonce, additionalData, tagLength: 128 };
}

/** Bytes have one spelling: bits of the last character that stand for nothing are zero (RFC 4648 section 3.5). */
function decode(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null;
  try {
    const bytes = new Uint8Array(base64url.decode(text));
    return base64url.encode(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}
