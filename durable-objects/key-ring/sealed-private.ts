import { importEnvelopeKey, openEnvelope, sealEnvelope } from "../../core/crypto/envelope.ts";

/** The bindings of the same names (env.ts). */
interface KeyEncryption {
  readonly KEY_ENCRYPTION_KEY: string;
  readonly KEY_ENCRYPTION_KEY_PREVIOUS?: string;
}

/** Private halves of one purpose (PKCS #8) under the key-encryption key, each bound to its name. */
export class SealedPrivate {
  readonly #env: () => KeyEncryption;
  readonly #purpose: string;

  constructor(env: () => KeyEncryption, purpose: string) {
    this.#env = env;
    this.#purpose = purpose;
  }

  async seal(kid: string, pkcs8: Uint8Array<ArrayBuffer>): Promise<string> {
    const wrapping = await importEnvelopeKey(this.#env().KEY_ENCRYPTION_KEY);
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    return sealEnvelope(wrapping, { purpose: this.#purpose, kid }, pkcs8, nonce);
  }

  /** Opens under today's key-encryption key, or the one before it while both are configured. */
  async open(kid: string, sealed: string): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#open(kid, sealed)).pkcs8;
  }

  /** The same private half under today's key-encryption key; null when it is already. */
  async reseal(kid: string, sealed: string): Promise<string | null> {
    if ((this.#env().KEY_ENCRYPTION_KEY_PREVIOUS ?? "") === "") return null;
    const { pkcs8, stale } = await this.#open(kid, sealed);
    return stale ? await this.seal(kid, pkcs8) : null;
  }

  async #open(kid: string, sealed: string): Promise<{ pkcs8: Uint8Array<ArrayBuffer>; stale: boolean }> {
    const context = { purpose: this.#purpose, kid };
    const { KEY_ENCRYPTION_KEY: current, KEY_ENCRYPTION_KEY_PREVIOUS: previous = "" } = this.#env();
    try {
      return { pkcs8: await openEnvelope(await importEnvelopeKey(current), context, sealed), stale: false };
    } catch (error) {
      if (previous === "") throw error;
      return { pkcs8: await openEnvelope(await importEnvelopeKey(previous), context, sealed), stale: true };
    }
  }
}
