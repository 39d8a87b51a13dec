import { z } from "@hono/zod-openapi";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";

/** @param document gives the document; it is whole only once every route is registered */
export function openapiRoute(document: () => object): RouteDefinition {
  return defineRoute(
    "openapi",
    {
      caller: "anyone",
      status: 200,
      answer: z.looseObject({ openapi: z.string() }),
      unaudited: "the same for everyone, and nobody is known",
    },
    async () => answer(document() as { openapi: string }),
  );
}
