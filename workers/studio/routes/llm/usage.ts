import { z } from "@hono/zod-openapi";
import { askLlm, llmRefusal } from "../../http/ask-llm.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { usageAnswer, usageView } from "./schemas.ts";

const month = z.string().regex(/^20\d\d-(?:0[1-9]|1[0-2])$/, "must be a month, such as 2026-11");

export const llmUsage = defineRoute(
  "llmUsage",
  { caller: "member", query: z.strictObject({ month: month.optional() }), status: 200, answer: usageAnswer },
  async (context, { query }) => {
    const of = query.month ?? new Date(context.services.now()).toISOString().slice(0, 7);
    const used = await askLlm(context, (llm, call) => llm.usage(call, of));
    return used.ok ? answer({ month: of, items: used.value.map(usageView) }) : llmRefusal(used);
  },
);
