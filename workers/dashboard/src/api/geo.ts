import * as z from "zod/mini";
import { call, callVoid, path } from "./client.ts";
import { isProblem } from "./problem.ts";

export const surfaceIds = ["dashboard", "api", "devices"] as const;
export type SurfaceId = (typeof surfaceIds)[number];

const lists = <T extends z.ZodMiniType>(one: T) => z.object({ allow: z.array(one), deny: z.array(one) });
const rulesSchema = z.object({ countries: z.array(z.string()), networks: lists(z.string()), asns: lists(z.number()) });
const surfacesSchema = z.object({ dashboard: rulesSchema, api: rulesSchema, devices: rulesSchema });
export type SurfaceRules = z.infer<typeof rulesSchema>;
export type GeoSurfaces = z.infer<typeof surfacesSchema>;

const geoSchema = z.object({
  surfaces: surfacesSchema,
  reverts_at: z.nullable(z.string()),
  opened: z.nullable(z.object({ country: z.string(), until: z.string() })),
});
export type GeoPolicyView = z.infer<typeof geoSchema>;

const surface = z.enum(surfaceIds);
const lockoutSchema = z.object({
  caller: z.boolean(),
  sessions_total: z.number(),
  devices_total: z.number(),
  by_country: z.array(z.object({ country: z.string(), sessions: z.number(), devices: z.number() })),
  sessions: z.array(
    z.object({ session_id: z.string(), name: z.string(), surface, country: z.string(), seen_at: z.string() }),
  ),
  devices: z.array(z.object({ device_id: z.string(), country: z.string(), seen_at: z.string() })),
});
export type Lockout = z.infer<typeof lockoutSchema>;

const originSchema = z.object({
  surface,
  country: z.string(),
  requests: z.number(),
  newly_refused: z.number(),
  newly_admitted: z.number(),
});
const trialSchema = z.object({
  days: z.number(),
  requests: z.number(),
  newly_refused: z.number(),
  newly_admitted: z.number(),
  by_origin: z.array(originSchema),
  lockout: lockoutSchema,
});
export type Origin = z.infer<typeof originSchema>;
export type Trial = z.infer<typeof trialSchema>;

export const geoKey = (org: string) => ["policies", org, "geo"] as const;
export const travellersKey = (org: string) => ["policies", org, "geo", "exceptions"] as const;
export const breakGlassKey = (org: string) => ["policies", org, "geo", "break-glass"] as const;

const geoPath = (org: string, ...rest: readonly string[]): string => path("orgs", org, "policies", "geo", ...rest);

export function getGeo(org: string, signal: AbortSignal): Promise<GeoPolicyView> {
  return call(geoPath(org), geoSchema, { signal });
}

/** @param confirm what the refusal of the same rules handed out, once somebody has read its list */
export function putGeo(org: string, surfaces: GeoSurfaces, confirm: string | null): Promise<GeoPolicyView> {
  const body = { surfaces, ...(confirm === null ? {} : { confirm }) };
  return call(geoPath(org), geoSchema, { method: "PUT", body });
}

export function simulateGeo(org: string, surfaces: GeoSurfaces): Promise<Trial> {
  return call(geoPath(org, "simulate"), trialSchema, { method: "POST", body: { surfaces } });
}

export function confirmGeo(org: string): Promise<GeoPolicyView> {
  return call(geoPath(org, "confirm"), geoSchema, { method: "POST" });
}

const confirmationSchema = z.object({ confirm: z.string(), lockout: lockoutSchema });
/** Reads the list of a refusal that asks for confirmation; null for any other failure. */
export function confirmationOf(error: unknown): z.infer<typeof confirmationSchema> | null {
  if (!isProblem(error, "confirmation_needed")) return null;
  const parsed = confirmationSchema.safeParse(error.fields.extensions);
  return parsed.success ? parsed.data : null;
}

const travellerSchema = z.object({
  id: z.string(),
  user_id: z.string(),
  name: z.string(),
  country: z.string(),
  until: z.string(),
});
export type Traveller = z.infer<typeof travellerSchema>;
const travellersSchema = z.object({ items: z.array(travellerSchema) });

export async function listTravellers(org: string, signal: AbortSignal): Promise<Traveller[]> {
  return (await call(geoPath(org, "exceptions"), travellersSchema, { signal })).items;
}

export function addTraveller(org: string, wanted: { user: string; country: string; until: string }): Promise<void> {
  const body = { country: wanted.country, until: wanted.until };
  return callVoid(geoPath(org, "exceptions", wanted.user), { method: "POST", body });
}

export function removeTraveller(org: string, id: string): Promise<void> {
  return callVoid(geoPath(org, "exceptions", id), { method: "DELETE" });
}

const breakGlassSchema = z.object({ created_at: z.nullable(z.string()), used_at: z.nullable(z.string()) });

export function getBreakGlass(org: string, signal: AbortSignal): Promise<z.infer<typeof breakGlassSchema>> {
  return call(geoPath(org, "break-glass-code"), breakGlassSchema, { signal });
}

/** @returns the code, which nothing shows again */
export async function makeBreakGlass(org: string): Promise<string> {
  const made = await call(geoPath(org, "break-glass-code"), z.object({ code: z.string() }), { method: "POST" });
  return made.code;
}

/** The answer never says whether the code was right. */
export function breakGlass(org: string, code: string): Promise<void> {
  return callVoid(geoPath(org, "break-glass"), { method: "POST", body: { code } });
}
