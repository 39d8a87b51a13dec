import * as z from "zod/mini";
import { call, path } from "./client.ts";

const refused = { firewall: z.number(), geo: z.number() };
const blocksSchema = z.object({
  since: z.string(),
  refused: z.object(refused),
  countries: z.array(z.object({ country: z.string(), ...refused })),
  classes: z.array(z.object({ class: z.string(), count: z.number() })),
  rules: z.array(z.object({ rule: z.string(), own: z.boolean(), count: z.number() })),
  networks: z.array(z.object({ network: z.string(), country: z.string(), ...refused })),
});
export type Blocks = z.infer<typeof blocksSchema>;

export const blockDays = ["1", "7"] as const;
export type BlockDays = (typeof blockDays)[number];

export const blocksKey = (org: string, days: BlockDays) => ["blocks", org, days] as const;

/** What firewall and geo policy refused today, or in the last seven days. */
export function getBlocks(org: string, days: BlockDays, signal: AbortSignal): Promise<Blocks> {
  return call(`${path("orgs", org, "blocks")}?days=${days}`, blocksSchema, { signal });
}
