import { importEnvelopeKey, openEnvelope, sealEnvelope } from "../../../core/crypto/envelope.ts";

/** What is sealed. Part of the additional data, with the row's id: a value moved elsewhere does not open. */
export type SealedPurpose = "totp-secret" | "client-secret" | "audit-stream-secret";

/** Seals what identity must be able to read back: a stolen control database alone shows none of it. */
export interface Sealing {
  /**
   * AES-256-GCM under IDENTITY_KEY (core/crypto/envelope.ts).
   * @param id the row that holds it
   */
  seal(purpose: SealedPurpose, id: string, plaintext: Uint8Array<ArrayBuffer>): Promise<string>;
  /** @throws Error when it was changed, belongs to another row or purpose, or was sealed under another key */
  open(purpose: SealedPurpose, id: string, sealed: string): Promise<Uint8Array<ArrayBuffer>>;
}

const nonceBytes = 12;

/** @param key 32 bytes, base64url */
export function createSealing(key: string, randomBytes: (length: number) => Uint8Array<ArrayBuffer>): Sealing {
  /** Imported at the first use, then kept: it can only seal and open. */
  let imported: Promise<CryptoKey> | null = null;
  const ready = (): Promise<CryptoKey> => {
    imported ??= importEnvelopeKey(key);
    return imported;
  };
  return {
    seal: async (purpose, id, plaintext) =>
      sealEnvelope(await ready(), { purpose, kid: id }, plaintext, randomBytes(nonceBytes)),
    open: async (purpose, id, sealed) => openEnvelope(await ready(), { purpose, kid: id }, sealed),
  };
}
