import { base64url } from "jose";
import type { CommandId, OrgId } from "../ids.ts";

/**
 * A key pair of one command, for its one reply: whoever stores the reply seals it with the public half and can't
 * open it. The private half is sealed under the organisation's data key beside the command, so a reply is as readable
 * as the command's arguments are, and dies with them.
 *
 * Sealed is `r1.{ephemeral public key}.{ciphertext and tag}`: X25519 (RFC 7748) of a fresh pair with the command's,
 * HKDF-SHA-256 (RFC 5869) over both public keys, AES-256-GCM, with organisation and command in the derivation and in
 * the additional data. Each key seals one message, so the nonce is constant. It hides; it does not say who sealed it:
 * anybody who may write the row may.
 */
const version = "r1";
/** Of an X25519 public key. */
const publicKeyBytes = 32;

export interface ReplyKeyPair {
  /** 32 bytes, base64url. */
  readonly publicKey: string;
  /** PKCS #8; to be sealed before it is stored. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
}

/** Whose reply it is: bound to what is sealed. */
export interface ReplyPlace {
  readonly org: OrgId;
  readonly command: CommandId;
}

/** Not sealed to this key, changed, or another command's. */
export class ReplyBroken extends Error {
  override readonly name = "ReplyBroken";
}

/** A key pair for one command. */
export async function makeReplyKey(): Promise<ReplyKeyPair> {
  const pair = await generatePair();
  return {
    publicKey: base64url.encode(await rawPublic(pair.publicKey)),
    privateKey: new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)),
  };
}

/** @throws ReplyBroken when the public key is none */
export async function sealReply(
  place: ReplyPlace,
  publicKey: string,
  plaintext: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const recipient = decode(publicKey);
  if (recipient?.length !== publicKeyBytes) throw new ReplyBroken("no public key of a command");
  const ephemeral = await generatePair();
  const sender = await rawPublic(ephemeral.publicKey);
  try {
    const key = await deriveKey(ephemeral.privateKey, recipient, { sender, recipient, place });
    const sealed = await crypto.subtle.encrypt(parameters(place), key, plaintext);
    return [version, base64url.encode(sender), base64url.encode(new Uint8Array(sealed))].join(".");
  } catch {
    // A point of small order: what both sides would agree on is known to everybody (RFC 7748 section 6.1).
    throw new ReplyBroken("nothing can be sealed to this key");
  }
}

/** @throws ReplyBroken */
export async function openReply(
  place: ReplyPlace,
  { publicKey, privateKey }: ReplyKeyPair,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const [found, senderText = "", sealedText = "", ...rest] = text.split(".");
  const [sender, sealed, recipient] = [decode(senderText), decode(sealedText), decode(publicKey)];
  if (
    found !== version ||
    rest.length > 0 ||
    sender?.length !== publicKeyBytes ||
    sealed === null ||
    recipient === null
  )
    throw new ReplyBroken("not a sealed reply");
  try {
    const own = await crypto.subtle.importKey("pkcs8", privateKey, { name: "X25519" }, false, ["deriveBits"]);
    const key = await deriveKey(own, sender, { sender, recipient, place });
    return new Uint8Array(await crypto.subtle.decrypt(parameters(place), key, sealed));
  } catch {
    throw new ReplyBroken("the reply does not open here");
  }
}

async function generatePair(): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey({ name: "X25519" }, true, ["deriveBits"])) as CryptoKeyPair;
}

async function rawPublic(key: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array((await crypto.subtle.exportKey("raw", key)) as ArrayBuffer);
}

async function deriveKey(
  own: CryptoKey,
  other: Uint8Array<ArrayBuffer>,
  bound: {
    readonly sender: Uint8Array<ArrayBuffer>;
    readonly recipient: Uint8Array<ArrayBuffer>;
    readonly place: ReplyPlace;
  },
): Promise<CryptoKey> {
  const imported = await crypto.subtle.importKey("raw", other, { name: "X25519" }, false, []);
  const shared = await crypto.subtle.deriveBits({ name: "X25519", public: imported }, own, 256);
  const root = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const salt = new Uint8Array([...bound.sender, ...bound.recipient]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt, info: additionalData(bound.place) },
    root,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

/** One message a key: the nonce says nothing. */
const parameters = (place: ReplyPlace): AesGcmParams => ({
  name: "AES-GCM",
  iv: new Uint8Array(12),
  additionalData: additionalData(place),
  tagLength: 128,
});

/** JSON keeps the parts apart: none can be cut elsewhere into the same bytes. */
const additionalData = ({ org, command }: ReplyPlace): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(new TextEncoder().encode(JSON.stringify(["sentinel-reply", version, org, command])));

function decode(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null;
  try {
    return Uint8Array.from(base64url.decode(text));
  } catch {
    return null;
  }
}
