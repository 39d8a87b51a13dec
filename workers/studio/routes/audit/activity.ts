import { z } from "@hono/zod-openapi";
import { type ActivityDays, activityDays, zoneMinutes } from "../../../../core/audit/activity.ts";
import { auditTypes } from "../../../../core/audit/events.ts";
import { auditOutcomes } from "../../../../core/audit/facets.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { instant } from "../../http/schemas.ts";

const query = z.strictObject({
  days: z
    .enum(activityDays.map(String))
    .transform((text) => Number(text) as ActivityDays)
    .default(7)
    .openapi({ type: "integer", enum: [...activityDays] }),
  /** Minutes that the reader's clock is ahead of UTC. */
  zone: z
    .string()
    .regex(/^(?:0|-?[1-9][0-9]{0,2})$/)
    .transform(Number)
    .refine(
      (minutes) => minutes >= zoneMinutes.min && minutes <= zoneMinutes.max && minutes % zoneMinutes.step === 0,
      `must be ${zoneMinutes.min} to ${zoneMinutes.max}, in steps of ${zoneMinutes.step}`,
    )
    .default(0)
    .openapi({ type: "integer", minimum: zoneMinutes.min, maximum: zoneMinutes.max }),
});

const activity = z.object({
  from: instant,
  /** Seconds of each hour or day, and how many there are. */
  step: z.int(),
  steps: z.int(),
  /** What is not among them did not happen. */
  counts: z.array(z.object({ at: instant, type: z.enum(auditTypes), outcome: z.enum(auditOutcomes), count: z.int() })),
  /** False while a log from before there were counts is being counted. */
  complete: z.boolean(),
});

/** How many events of which type came to what. */
export const auditActivity = defineRoute(
  "auditActivity",
  { caller: "member", query, status: 200, answer: activity },
  async (context, { query: asked }) => {
    const { fromMs, stepMs, steps, counts, complete } = await fromPart("audit reader", async () =>
      context.services.auditReader.activity(await context.asUser("durable-objects.audit-reader"), asked),
    );
    const at = (ms: number): string => new Date(ms).toISOString();
    const items = counts.map(({ atMs, ...count }) => ({ at: at(atMs), ...count }));
    return answer({ from: at(fromMs), step: stepMs / 1000, steps, counts: items, complete });
  },
);
