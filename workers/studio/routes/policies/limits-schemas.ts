import { z } from "@hono/zod-openapi";
import { type LimitsPolicy, limitBounds, limitGroups } from "../../../../core/tenancy/limits-policy.ts";

/** What a figure may be, core says, with the bound in the refusal. */
const figure = z.number();
const mqtt = { packets_per_second: figure, bytes_per_second: figure, connects_per_minute: figure };

/** All of them: what is replaced is replaced as a whole. */
const limitsShape = {
  devices: z.strictObject(mqtt),
  clients: z.strictObject({ ...mqtt, requests_per_minute: figure }),
  organisation: z.strictObject({ requests_per_minute: figure, upgrades_per_minute_of_an_address: figure }),
};

/** Limits that somebody wants, decided on what `version` of the organisation's policies said. */
export const limitsChange = z.strictObject({ ...limitsShape, version: z.string().regex(/^\d{1,18}$/) });

const bound = z.object({ min: z.int(), standard: z.int(), max: z.int() });
const mqttBounds = { packets_per_second: bound, bytes_per_second: bound, connects_per_minute: bound };

export const limitsAnswer = z.object({
  ...limitsShape,
  /** How far each may be moved, and what holds where nobody decided. */
  bounds: z.object({
    devices: z.object(mqttBounds),
    clients: z.object({ ...mqttBounds, requests_per_minute: bound }),
    organisation: z.object({ requests_per_minute: bound, upgrades_per_minute_of_an_address: bound }),
  }),
  /** To be sent back with a change. */
  version: z.string(),
});

export function limitsView(limits: LimitsPolicy, version: string): z.input<typeof limitsAnswer> {
  const { devices, clients, organisation } = limits;
  return {
    devices: { ...devices },
    clients: { ...clients },
    organisation: { ...organisation },
    bounds: limitBounds,
    version,
  };
}

/** The groups of a change, as every unit reads them. */
export function limitsOfChange(change: z.output<typeof limitsChange>): LimitsPolicy {
  return Object.fromEntries(limitGroups.map((group) => [group, change[group]])) as unknown as LimitsPolicy;
}
