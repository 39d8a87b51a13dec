/** Keys of witnesses (C2SP tlog-cosignature), as somebody gives them to us. */
import { logOfOrigin } from "./checkpoint.ts";
import type { Sha256 } from "./leaf.ts";
import { parseVerifier, signatureTypes, type Verifier } from "./signed-note.ts";

/** Characters of a key that is given: a name of 256, its id, 33 bytes in base64, amply. */
export const witnessKeyCharactersMax = 400;

/**
 * A witness's public key, `name+id+key`. Null for anything else: a key that signs in another way, and one under
 * a log's name, which could be made so that its lines pass for the log's own (an id has 32 bits) and spoil them.
 */
export function parseWitnessKey(text: string, sha256: Sha256): Verifier | null {
  const verifier = text.length > witnessKeyCharactersMax ? null : parseVerifier(text, sha256);
  if (verifier?.type !== signatureTypes.cosignature || logOfOrigin(verifier.name) !== null) return null;
  return verifier;
}
