import { z } from "@hono/zod-openapi";

/** An RFC 3339 instant with any offset, as Unix milliseconds; must exist in the calendar. */
export const instantQuery = z
  .string()
  .max(40)
  .refine(
    (text) =>
      /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/.test(text) &&
      Number.isFinite(Date.parse(text)),
    "must be an RFC 3339 time",
  )
  .transform((text) => Date.parse(text))
  .openapi({ type: "string", format: "date-time" });
