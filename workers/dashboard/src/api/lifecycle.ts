import * as z from "zod/mini";
import { orgStates } from "../../../../core/tenancy/org-state.ts";
import { call, path } from "./client.ts";

const standingSchema = z.object({ id: z.string(), state: z.enum(orgStates), delete_after: z.nullable(z.string()) });
export type Standing = z.infer<typeof standingSchema>;
export const standingKey = (org: string) => ["standing", org] as const;

/** Whether the organisation is open, and when its deletion is due. Of one that is to be deleted only owners learn it. */
export function getStanding(org: string, signal: AbortSignal): Promise<Standing> {
  return call(path("orgs", org), standingSchema, { signal });
}

/** @param name as people are to read it; the slug stays */
export function renameOrg(org: string, name: string): Promise<Standing> {
  return call(path("orgs", org), standingSchema, { method: "PATCH", body: { name } });
}

/** @param slug as the person typed it; the server compares */
export function deleteOrg(org: string, slug: string): Promise<Standing> {
  return call(path("orgs", org), standingSchema, { method: "DELETE", body: { slug } });
}

export function restoreOrg(org: string): Promise<Standing> {
  return call(path("orgs", org, "restore"), standingSchema, { method: "POST" });
}

const countedSchema = z.object({ used: z.number(), limit: z.number() });
const usageSchema = z.object({
  plan: z.string(),
  devices: countedSchema,
  members: countedSchema,
  storage_bytes: countedSchema,
  llm_micros_a_month: countedSchema,
  messages_a_day: z.extend(countedSchema, { resets_at: z.string() }),
});
export type Usage = z.infer<typeof usageSchema>;
export const usageKey = (org: string) => ["usage", org] as const;

export function getUsage(org: string, signal: AbortSignal): Promise<Usage> {
  return call(path("orgs", org, "usage"), usageSchema, { signal });
}
