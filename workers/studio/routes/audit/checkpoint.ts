import { z } from "@hono/zod-openapi";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { watching } from "./schemas.ts";

/** The newest checkpoint as a public tool reads it. */
export const auditCheckpoint = defineRoute(
  "auditCheckpoint",
  { caller: "member", status: 200, media: "text/plain; charset=utf-8", answer: z.string(), unaudited: watching },
  async (context) => {
    const { auditProofs } = context.services;
    const view = await fromPart("audit proofs", async () =>
      auditProofs.checkpoint(await context.asUser("durable-objects.audit-reader")),
    );
    return view === null ? refuse("not_found", { detail: "The log has no checkpoint yet" }) : answer(view.note);
  },
);
