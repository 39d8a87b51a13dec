/** The keys of logs' checkpoints, for whoever asks for them elsewhere than the log itself. */
import type { LogKey } from "../rpc/audit-proofs.ts";
import { signatureTypes, toBase64 } from "./signed-note.ts";

/** Public halves alone, newest first. */
export interface PublishedLogKeys {
  readonly keys: readonly {
    readonly algorithm: "Ed25519";
    /**
     * Base64 of type and key, as the last part of every log's `name+id+key` has it: one key signs all logs, each under
     * the log's own name.
     */
    readonly key: string;
    readonly made_at: string;
    /** From when it signed no more; null for the one that signs now. */
    readonly retired_at: string | null;
  }[];
}

export function describeLogKeys(keys: readonly LogKey[]): PublishedLogKeys {
  return {
    keys: keys.map(({ publicKey, madeMs, retiredMs }) => ({
      algorithm: "Ed25519",
      key: toBase64(new Uint8Array([signatureTypes.ed25519, ...publicKey])),
      made_at: new Date(madeMs).toISOString(),
      retired_at: retiredMs === null ? null : new Date(retiredMs).toISOString(),
    })),
  };
}
