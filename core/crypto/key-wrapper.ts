import type { OrgId } from "../ids.ts";

/** Wraps data keys under an organisation's key-encryption key, wherever that is held. */
export interface KeyWrapper {
  /**
   * @param key 32 bytes
   * @param purpose bound into the additional data, e.g. `backup:bak_…`; {@link purposeCharactersMax} at most
   * @returns printable ASCII, {@link wrappedCharactersMax} at most; it holds no key in clear
   * @throws KeyUnavailable
   */
  wrap(org: OrgId, key: Uint8Array, purpose: string): Promise<string>;
  /**
   * @returns the 32 bytes that were wrapped for this organisation and purpose
   * @throws KeyUnavailable when the keeper refuses or can't be reached and nothing fresh is cached
   */
  unwrap(org: OrgId, wrapped: string, purpose: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** Every key that is wrapped is one for AES-256-GCM. */
export const wrappedKeyBytes = 32;

/** A purpose is a word and an identifier. It goes to the keeper, so it holds nothing personal. */
export const purposeCharactersMax = 128;

/** AWS KMS answers at most 6,144 bytes (Encrypt, CiphertextBlob), which are 8,192 characters in base64. */
export const wrappedCharactersMax = 8_192;

/**
 * Why a key could not be had.
 * - `refused`: the keeper answered no: the key is disabled, destroyed, or no longer ours to use
 * - `unreachable`: no usable answer in time
 * - `malformed`: an answer, or a wrapped key, that is none
 * - `shredded`: the organisation's keys were destroyed here
 */
export const keyUnavailableReasons = ["refused", "unreachable", "malformed", "shredded"] as const;
export type KeyUnavailableReason = (typeof keyUnavailableReasons)[number];

/** A key could not be had: what it sealed stays sealed. Nothing ever falls back to another key. */
export class KeyUnavailable extends Error {
  override readonly name = "KeyUnavailable";
  readonly reason: KeyUnavailableReason;

  constructor(reason: KeyUnavailableReason) {
    // Nothing of the keeper's own answer: it is somebody else's text.
    super(`the key is not available: ${reason}`);
    this.reason = reason;
  }
}

/** Sealed under a key that this organisation has never had, such as another's whose backup was restored into it. */
export class SealedElsewhere extends KeyUnavailable {
  constructor() {
    super("refused");
  }
}

/**
 * Checks what is about to be wrapped: a mistake of ours, so it throws.
 * @throws RangeError
 */
export function assertWrappable(key: Uint8Array, purpose: string): void {
  if (key.length !== wrappedKeyBytes) throw new RangeError("a wrapped key has 32 bytes");
  if (!isPurpose(purpose)) throw new RangeError("a purpose is 1 to 128 of a-z, 0-9, underscore, colon, dot and hyphen");
}

/** True for what {@link KeyWrapper} takes as a purpose. */
export function isPurpose(text: string): boolean {
  return text.length <= purposeCharactersMax && /^[a-z0-9_:.-]+$/.test(text);
}
