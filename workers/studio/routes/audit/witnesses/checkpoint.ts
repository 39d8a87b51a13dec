import { z } from "@hono/zod-openapi";
import { fromPart } from "../../../downstream.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer, refuse } from "../../../http/result.ts";
import { hashText, hashTexts } from "../schemas.ts";
import { asWitness } from "./as-witness.ts";
import { witnessing, witnessToken } from "./schemas.ts";

const body = z.strictObject({
  token: witnessToken,
  /** Entries under the checkpoint that the witness saw last; 0 for none. */
  from: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
});

const shown = z.object({
  /** The newest checkpoint's signed note. */
  checkpoint: z.string(),
  /** The log's keys, `name+id+key`, newest first. */
  keys: z.array(z.string()),
  from: z.int(),
  /** From `from` to the checkpoint's size (RFC 9162 §2.1.4); none where the log does not reach `from`. */
  hashes: z.array(hashText),
});

/** What a witness needs to see that the log only grew. A POST, because the token must not stand in an address. */
export const witnessCheckpoint = defineRoute(
  "witnessCheckpoint",
  { caller: "anyone", body, status: 200, answer: shown, unaudited: witnessing },
  async (context, { body: { token, from } }) => {
    const access = await asWitness(context, token);
    if (access === null) return refuse("invalid_token");
    const { auditProofs } = context.services;
    const view = await fromPart("audit proofs", async () => auditProofs.witnessed(await access.call(), from));
    if (view === null) return refuse("not_found", { detail: "The log has no checkpoint yet" });
    const { note: checkpoint, keys, proof } = view;
    return answer({ checkpoint, keys: [...keys], from, hashes: hashTexts(proof) });
  },
);
