import { z } from "@hono/zod-openapi";
import { backendNamePattern, backendRoutesMax } from "../../../../core/backends/registration.ts";
import { roles } from "../../../../core/tenancy/roles.ts";

/** Longest value of a field of a query. */
const fieldCharactersMax = 1_024;
/** A path of as many segments as a pattern has, each as long as one may be. */
const restCharactersMax = 16 * 129;
/** A body this deep says nothing that could not be said plainly, and no parser behind stumbles over it. */
const depthMax = 32;

export const backendParams = z.strictObject({
  backend: z.string().regex(backendNamePattern),
  rest: z.string().max(restCharactersMax),
});

/** Which fields there may be, the route's registration says (call.ts). */
export const backendQuery = z.object({}).catchall(z.string().max(fieldCharactersMax));

/**
 * Any JSON whose numbers arrive as they were sent: what is handed on is written anew from what was read, so that a
 * name that stands twice, or a number that two parsers read differently, can't mean two things.
 */
export const backendBody = z
  .custom<unknown>((value) => isPlain(value, depthMax), "holds a number that no parser keeps, or is too deep")
  .openapi({ type: "object", description: "JSON, as the backend takes it" });

function isPlain(value: unknown, depth: number): boolean {
  // What is larger than any number is read as infinite, and would be written as null.
  if (typeof value === "number")
    return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (typeof value !== "object" || value === null) return value !== undefined;
  return depth > 0 && Object.values(value).every((inner) => isPlain(inner, depth - 1));
}

/** Text of a registered type: which one, its Content-Type says. */
export const backendText = z.string();

export const backendsAnswer = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      host: z.string(),
      /** What your organisation's own calls met: nobody else's open it. */
      state: z.enum(["closed", "open", "half_open"]),
      last_failure_at: z.string().openapi({ format: "date-time" }).nullable(),
      timeout_ms: z.int(),
      routes: z
        .array(z.object({ methods: z.array(z.string()), path: z.string(), roles: z.array(z.enum(roles)) }))
        .max(backendRoutesMax),
    }),
  ),
});
