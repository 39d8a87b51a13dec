/** Providers' keys: sealed under the organisation's data key, each for its own provider alone. */
import type { LlmProviderId } from "../../../core/ids.ts";
import type { StoredKey } from "../../../store/tenant/llm-providers.ts";
import type { CallContext } from "./admission.ts";

/** The column, so that a sealed text opens in no other place of the schema. */
const table = "llm_providers.key_sealed";
/** Hexadecimal digits of a fingerprint: 64 bits tell keys apart and give nothing to guess a key by. */
const fingerprintDigits = 16;

/** @throws KeyUnavailable */
export async function sealKey({ dataKeys }: CallContext, id: LlmProviderId, key: string): Promise<StoredKey> {
  const bytes = Uint8Array.from(new TextEncoder().encode(key));
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
  return { sealed: await dataKeys.seal({ table, row: id }, bytes), fingerprint: digest.slice(0, fingerprintDigits) };
}

/** @throws KeyUnavailable; SealBroken for a key that was moved here from another provider */
export async function openKey({ dataKeys }: CallContext, id: LlmProviderId, { sealed }: StoredKey): Promise<string> {
  return new TextDecoder().decode(await dataKeys.open({ table, row: id }, sealed));
}
