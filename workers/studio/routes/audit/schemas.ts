import { z } from "@hono/zod-openapi";
import { toBase64 } from "../../../../core/audit/signed-note.ts";

/** A number of entries as it stands in a path or query: 1 to 2^53 - 1, in its one spelling. */
export const entryCount = z
  .string()
  .regex(/^[1-9][0-9]{0,15}$/)
  .transform(Number)
  .refine(Number.isSafeInteger, "must be at most 2^53 - 1")
  .openapi({ type: "integer", minimum: 1 });

/** SHA-256 in base64, as in a checkpoint. */
export const hashText = z.string();

export const hashTexts = (hashes: readonly Uint8Array[]): string[] => hashes.map(toBase64);

/** Why asking for hashes leaves no entry: one that asks every minute would make the log grow by being watched. */
export const watching =
  "hashes alone, which witnesses ask for every minute: their questions must not make the log grow";
