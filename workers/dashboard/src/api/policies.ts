import * as z from "zod/mini";
import { call, callVoid, path } from "./client.ts";

const mfaPolicySchema = z.object({
  required: z.boolean(),
  /** Until then nobody is shut out; RFC 3339 UTC. Null: at once. */
  grace_until: z.nullable(z.string()),
});
export type MfaPolicy = z.infer<typeof mfaPolicySchema>;

export const mfaPolicyKey = (org: string) => ["policies", org, "mfa"] as const;

export function getMfaPolicy(org: string, signal: AbortSignal): Promise<MfaPolicy> {
  return call(path("orgs", org, "policies", "mfa"), mfaPolicySchema, { signal });
}

export function putMfaPolicy(org: string, policy: MfaPolicy): Promise<void> {
  return callVoid(path("orgs", org, "policies", "mfa"), { method: "PUT", body: policy });
}
