import { z } from "@hono/zod-openapi";
import { toBase64 } from "../../../../core/audit/signed-note.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { entryCount, hashText, hashTexts } from "./schemas.ts";

const inclusion = z.object({
  seq: z.int(),
  size: z.int(),
  /** The exact text that was hashed (docs/audit-leaf.md). */
  leaf: z.string(),
  /** From the leaf's sibling up. */
  hashes: z.array(hashText),
  /** Of the tree of `size` entries. */
  root: hashText,
  /** The newest checkpoint's signed note. */
  checkpoint: z.string(),
});

/** That one entry is in the log, under the newest checkpoint or an earlier size. */
export const auditProof = defineRoute(
  "auditProof",
  {
    caller: "member",
    params: z.strictObject({ seq: entryCount }),
    query: z.strictObject({ size: entryCount.optional() }),
    status: 200,
    answer: inclusion,
  },
  async (context, { params: { seq }, query: { size = null } }) => {
    const { auditProofs } = context.services;
    const view = await fromPart("audit proofs", async () =>
      auditProofs.inclusion(await context.asUser("durable-objects.audit-reader"), seq, size),
    );
    if (view === null) return refuse("not_found", { detail: "No checkpoint covers this entry" });
    const { leafJson: leaf, proof, root, note: checkpoint } = view;
    return answer({ seq: view.seq, size: view.size, leaf, hashes: hashTexts(proof), root: toBase64(root), checkpoint });
  },
);
