import type { ProviderSecret } from "../../api/identity-providers.ts";

/** Administrators need this long to get a new one from whoever holds the provider's console. */
const soonMs = 30 * 24 * 3600_000;

export type SecretState = "good" | "untried" | "expiring" | "expired";

/** @param nowMs Unix milliseconds */
export function secretState(secret: Pick<ProviderSecret, "expires_at" | "proven_at">, nowMs: number): SecretState {
  const left = secret.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(secret.expires_at) - nowMs;
  if (left <= 0) return "expired";
  if (left <= soonMs) return "expiring";
  return secret.proven_at === null ? "untried" : "good";
}
