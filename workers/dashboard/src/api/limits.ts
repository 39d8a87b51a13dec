import * as z from "zod/mini";
import { call, path } from "./client.ts";

/** Groups of figures, each by its name; the server says how far each may be moved, so a new one needs no release here. */
const figuresSchema = z.record(z.string(), z.number());
const boundsSchema = z.record(z.string(), z.object({ min: z.number(), standard: z.number(), max: z.number() }));
export const limitGroups = ["devices", "clients", "organisation"] as const;
export type LimitGroup = (typeof limitGroups)[number];

const limitsSchema = z.object({
  devices: figuresSchema,
  clients: figuresSchema,
  organisation: figuresSchema,
  bounds: z.object({ devices: boundsSchema, clients: boundsSchema, organisation: boundsSchema }),
  version: z.string(),
});
export type LimitsPolicy = z.infer<typeof limitsSchema>;
export type LimitFigures = Readonly<Record<LimitGroup, Readonly<Record<string, number>>>>;

const useSchema = z.object({ used: z.number(), limit: z.number() });
export type Use = z.infer<typeof useSchema>;
const limitsUseSchema = z.object({
  requests: useSchema,
  packets: useSchema,
  sockets: z.number(),
  heaviest: z.array(
    z.object({
      client: z.string(),
      kind: z.enum(["device", "user"]),
      packets: useSchema,
      bytes: useSchema,
      connects: useSchema,
    }),
  ),
});
export type LimitsUse = z.infer<typeof limitsUseSchema>;
export type HeavyClient = LimitsUse["heaviest"][number];

export const limitsKey = (org: string) => ["policies", org, "limits"] as const;
export const limitsUseKey = (org: string) => ["policies", org, "limits", "usage"] as const;

const limitsPath = (org: string, ...rest: readonly string[]): string =>
  path("orgs", org, "policies", "limits", ...rest);

export function getLimits(org: string, signal: AbortSignal): Promise<LimitsPolicy> {
  return call(limitsPath(org), limitsSchema, { signal });
}

/** @param version of what the decision was made on */
export function putLimits(org: string, figures: LimitFigures, version: string): Promise<LimitsPolicy> {
  return call(limitsPath(org), limitsSchema, { method: "PUT", body: { ...figures, version } });
}

export function getLimitsUse(org: string, signal: AbortSignal): Promise<LimitsUse> {
  return call(limitsPath(org, "usage"), limitsUseSchema, { signal });
}
