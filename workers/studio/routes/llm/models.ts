import { z } from "@hono/zod-openapi";
import { askLlm, llmRefusal } from "../../http/ask-llm.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";

/** In OpenAI's shape, so that its client libraries list them. */
const list = z.object({
  object: z.literal("list"),
  data: z.array(
    z.object({ id: z.string(), object: z.literal("model"), created: z.int(), owned_by: z.literal("organisation") }),
  ),
});

export const llmModels = defineRoute("llmModels", { caller: "member", status: 200, answer: list }, async (context) => {
  const offered = await askLlm(context, (llm, call) => llm.models(call));
  if (!offered.ok) return llmRefusal(offered);
  // Nobody here knows when a model was made; the shape asks for a number.
  const view = (id: string) => ({ id, object: "model", created: 0, owned_by: "organisation" }) as const;
  return answer({ object: "list" as const, data: offered.value.map(view) });
});
