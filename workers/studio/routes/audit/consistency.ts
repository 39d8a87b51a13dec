import { z } from "@hono/zod-openapi";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { entryCount, hashText, hashTexts, watching } from "./schemas.ts";

/** That the log of `to` entries (the newest checkpoint's) begins with the log of `from` (its first entry). */
export const auditConsistency = defineRoute(
  "auditConsistency",
  {
    caller: "member",
    query: z.strictObject({ from: entryCount.optional(), to: entryCount.optional() }),
    status: 200,
    answer: z.object({ from: z.int(), to: z.int(), hashes: z.array(hashText) }),
    unaudited: watching,
  },
  async (context, { query: { from = 1, to = null } }) => {
    const { auditProofs } = context.services;
    const view = await fromPart("audit proofs", async () =>
      auditProofs.consistency(await context.asUser("durable-objects.audit-reader"), from, to),
    );
    if (view === null) return refuse("not_found", { detail: "No checkpoint covers these sizes" });
    return answer({ from: view.from, to: view.to, hashes: hashTexts(view.proof) });
  },
);
