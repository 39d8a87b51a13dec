import * as z from "zod/mini";
import { type ActivityDays, zoneMinutes } from "../../../../core/audit/activity.ts";
import { auditOutcomes } from "../../../../core/audit/facets.ts";
import { call, path } from "./client.ts";

const activitySchema = z.object({
  from: z.string(),
  /** Seconds of each hour or day. */
  step: z.number(),
  steps: z.number(),
  counts: z.array(z.object({ at: z.string(), type: z.string(), outcome: z.enum(auditOutcomes), count: z.number() })),
  complete: z.boolean(),
});
export type Activity = z.infer<typeof activitySchema>;

/** What happened, by hours or days of this browser's zone. */
export function readActivity(org: string, days: ActivityDays, signal: AbortSignal): Promise<Activity> {
  const { step } = zoneMinutes;
  const zone = Math.round(-new Date().getTimezoneOffset() / step) * step;
  return call(path("orgs", org, "audit", "activity"), activitySchema, { query: { days, zone: String(zone) }, signal });
}
