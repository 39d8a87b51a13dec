import { z } from "@hono/zod-openapi";
import type { CosignAnswer } from "../../../../../core/rpc/audit-proofs.ts";
import { fromPart } from "../../../downstream.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer, type Refusal, refuse } from "../../../http/result.ts";
import { nothing } from "../../../http/schemas.ts";
import { asWitness } from "./as-witness.ts";
import { witnessing, witnessToken } from "./schemas.ts";

/** Characters of a signature line: a name of 256 and 76 bytes in base64, amply. */
const lineCharactersMax = 512;

const body = z.strictObject({
  token: witnessToken,
  /** Entries under the checkpoint that is cosigned. */
  size: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** The signature line (C2SP tlog-cosignature), its newline left out. */
  cosignature: z.string().max(lineCharactersMax),
});

/** Takes a witness's cosignature, which is verified where the checkpoint is kept. */
export const cosignCheckpoint = defineRoute(
  "cosignCheckpoint",
  { caller: "anyone", body, status: 204, answer: nothing, unaudited: witnessing },
  async (context, { body: { token, size, cosignature } }) => {
    const access = await asWitness(context, token);
    if (access === null) return refuse("invalid_token");
    const { auditProofs } = context.services;
    const came = await fromPart("audit proofs", async () =>
      auditProofs.cosign(await access.call(), access.verifier, size, cosignature),
    );
    return came === "kept" ? answer(null) : refusalFor(came);
  },
);

function refusalFor(came: Exclude<CosignAnswer, "kept">): Refusal {
  switch (came) {
    case "not_a_cosignature":
      return wrong("is not this witness's cosignature of that checkpoint");
    case "clock_off":
      return wrong("says a time that is not now: set the witness's clock");
    case "unknown_checkpoint":
      return refuse("not_found", { detail: "The log never had a checkpoint of this size" });
    case "older":
      return refuse("conflict", { detail: "This witness has cosigned something later" });
    case "no_room":
      return refuse("conflict", { detail: "The checkpoint's note holds no further cosignature of this name" });
  }
}

const wrong = (message: string): Refusal => refuse("invalid_request", { errors: [{ path: "cosignature", message }] });
