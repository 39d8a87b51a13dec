import { z } from "@hono/zod-openapi";
import * as embeddings from "../../../../core/llm/embeddings.ts";
import { modelCharactersMax } from "../../../../core/llm/provider.ts";
import { askModel, readForAsking, withOpenaiError } from "../../http/ask-llm.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";

const text = z.string().min(1).max(embeddings.textCharactersMax);

/** OpenAI's request, as much of it as core/llm/embeddings.ts says; a field that is not here is refused, and so are tokens. */
const body = z.strictObject({
  model: z.string().min(1).max(modelCharactersMax),
  input: z.union([
    text.transform((one) => [one]),
    z
      .array(text)
      .min(1)
      .max(embeddings.textsMax)
      .refine(
        (texts) => texts.reduce((sum, one) => sum + one.length, 0) <= embeddings.embeddingCharactersMax,
        `must be at most ${embeddings.embeddingCharactersMax} characters together`,
      ),
  ]),
  dimensions: z.int().min(1).max(embeddings.dimensionsMax).optional(),
  encoding_format: z.enum(["float", "base64"]).default("float"),
});

const vectors = z
  .custom<ReadableStream<Uint8Array>>((value) => value instanceof ReadableStream)
  .openapi({ type: "object" });

export const createEmbeddings = defineRoute(
  "createEmbeddings",
  { caller: "member", body, status: 200, media: "application/json", answer: vectors, readAhead: readForAsking },
  async (context, input) => {
    const { model, input: texts, dimensions, encoding_format: encoding } = input.body;
    const request = { model, texts, dimensions: dimensions ?? null, encoding };
    const embedded = await askModel(context, (llm, call, asking) => llm.embed(call, request, asking));
    if (!embedded.ok) return withOpenaiError(embedded.refusal);
    // A stream, so that no copy of megabytes is kept for a retry: the same texts are the same vectors.
    return answer(new Blob([embedded.value.json]).stream());
  },
);
