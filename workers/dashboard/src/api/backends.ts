import * as z from "zod/mini";
import { call, path } from "./client.ts";

const backendSchema = z.object({
  name: z.string(),
  host: z.string(),
  state: z.enum(["closed", "open", "half_open"]),
  last_failure_at: z.nullable(z.string()),
  timeout_ms: z.number(),
  routes: z.array(z.object({ methods: z.array(z.string()), path: z.string(), roles: z.array(z.string()) })),
});
export type Backend = z.infer<typeof backendSchema>;

export const backendsKey = (org: string) => ["backends", org] as const;

/** Backends that members may call, and what their own calls met. */
export async function listBackends(org: string, signal: AbortSignal): Promise<readonly Backend[]> {
  return (await call(path("orgs", org, "backends"), z.object({ items: z.array(backendSchema) }), { signal })).items;
}
