import * as z from "zod/mini";
import { type Role, roles } from "../../../../core/tenancy/roles.ts";
import { call, callVoid, path } from "./client.ts";
import { pageRows } from "./pages.ts";
import { type Page, pageOf } from "./schemas.ts";

const apiKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(roles),
  /** What the key begins with, to tell it from others. */
  prefix: z.string(),
  created_by: z.nullable(z.string()),
  created_at: z.string(),
  expires_at: z.string(),
  last_used_at: z.nullable(z.string()),
  revoked_at: z.optional(z.nullable(z.string())),
});
export type ApiKey = z.infer<typeof apiKeySchema>;
/** The key itself is in the answer to its making only. */
const newApiKeySchema = z.object({ id: z.string(), key: z.string() });

export const apiKeysKey = (org: string) => ["api-keys", org] as const;

export function listApiKeys(org: string, cursor: string | null, signal: AbortSignal): Promise<Page<ApiKey>> {
  return call(path("orgs", org, "api-keys"), pageOf(apiKeySchema), { query: { limit: pageRows, cursor }, signal });
}

/** @returns the key, this once */
export async function createApiKey(
  org: string,
  input: { name: string; role: Role; expires_at: string },
  idempotencyKey: string,
): Promise<string> {
  const options = { method: "POST", body: input, idempotencyKey } as const;
  return (await call(path("orgs", org, "api-keys"), newApiKeySchema, options)).key;
}

export function revokeApiKey(org: string, key: string): Promise<void> {
  return callVoid(path("orgs", org, "api-keys", key), { method: "DELETE" });
}
