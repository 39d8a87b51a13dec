import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import type { Sha256 } from "../../../../../core/audit/leaf.ts";
import { parseWitnessKey, witnessKeyCharactersMax } from "../../../../../core/audit/witness-key.ts";
import { witnessTokenPattern } from "../../../../../core/routes/audit.ts";
import { idText, instant } from "../../../http/schemas.ts";

const sha256: Sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** A witness's public key, `name+id+key`. */
export const witnessKey = z
  .string()
  .max(witnessKeyCharactersMax)
  .refine(
    (text) => parseWitnessKey(text, sha256) !== null,
    "must be a witness's key, name+id+key, as the witness prints it (C2SP tlog-cosignature)",
  );

/** A witness's token in a body. One of another form is worth as little as one that is nobody's. */
export const witnessToken = z.string().regex(witnessTokenPattern);

/** What a witness cosigned last. */
export const cosigned = z.object({
  /** Entries under the checkpoint. */
  size: z.int(),
  /** By the witness's clock. */
  at: instant,
});

export const witness = z.object({
  id: idText,
  name: z.string(),
  key: z.string(),
  created_by: idText,
  created_at: instant,
  /** Null: nothing yet. */
  cosigned: cosigned.nullable(),
});

/** Why a witness's own requests leave no entry. */
export const witnessing =
  "a witness asks every minute, and a log that grows because it is watched never rests; what it signs is kept with its time";
