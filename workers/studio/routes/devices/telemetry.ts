import { z } from "@hono/zod-openapi";
import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { refuse } from "../../http/result.ts";
import { instant } from "../../http/schemas.ts";
import { instantQuery } from "../../http/time-query.ts";
import { deviceParams } from "./schemas.ts";

/** Buckets of one answer: a chart is some 2,000 pixels wide. */
const bucketsMax = 2000;
const rangeMsDefault = 3600_000;
const stepSecondsDefault = 60;
/** A step of a month is the coarsest that means anything. */
const stepSecondsMax = 31 * 24 * 3600;

const query = z.strictObject({
  from: instantQuery.optional(),
  to: instantQuery.optional(),
  step: z
    .string()
    .regex(/^[1-9][0-9]{0,6}$/)
    .transform(Number)
    .refine((step) => step <= stepSecondsMax, `must be at most ${stepSecondsMax}`)
    .default(stepSecondsDefault)
    .openapi({ type: "integer", minimum: 1, maximum: stepSecondsMax, default: stepSecondsDefault }),
});
const bucket = z.object({ at: instant, samples: z.int(), metrics: z.record(z.string(), z.number()) });

/**
 * Means per bucket, oldest first; the last hour by the minute unless told otherwise. `from`, `to` and
 * `step` of the answer are those of its buckets: long ranges come from roll-ups (`resolution`), and then
 * they are whole minutes or hours.
 */
export const telemetry = defineRoute(
  "telemetry",
  {
    caller: "member",
    params: deviceParams,
    query,
    status: 200,
    answer: z.object({
      from: instant,
      to: instant,
      step: z.int(),
      resolution: z.enum(["raw", "minute", "hour"]),
      items: z.array(bucket),
      next_cursor: z.null(),
    }),
  },
  async (context, { params, query: { from, to, step } }) => {
    const toMs = to ?? (from === undefined ? context.services.now() : from + rangeMsDefault);
    const fromMs = from ?? toMs - rangeMsDefault;
    if (fromMs >= toMs) return invalid("from", "must be before to");
    if ((toMs - fromMs) / (step * 1000) > bucketsMax)
      return invalid("step", `must leave at most ${bucketsMax} buckets`);
    const range = { fromMs, toMs, stepSeconds: step };
    return answerFromDevices(
      context,
      (devices, call) => devices.telemetry(call, params.device, range),
      (telemetry) => ({
        from: telemetry.from,
        to: telemetry.to,
        step: telemetry.stepSeconds,
        resolution: telemetry.resolution,
        items: telemetry.buckets.map(({ at, samples, metrics }) => ({ at, samples, metrics: { ...metrics } })),
        next_cursor: null,
      }),
    );
  },
);

function invalid(path: string, message: string) {
  return refuse("invalid_request", { errors: [{ path, message }] });
}
