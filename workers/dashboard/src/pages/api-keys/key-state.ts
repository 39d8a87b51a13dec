import type { ApiKey } from "../../api/api-keys.ts";

/** A key that ends within this needs a successor now. */
const soonMs = 14 * 24 * 3600_000;

export type KeyState = "usable" | "expiring" | "expired" | "revoked";

/** What stands in the way of a key's use. @param nowMs Unix milliseconds */
export function keyState(key: Pick<ApiKey, "expires_at" | "revoked_at">, nowMs: number): KeyState {
  if (key.revoked_at != null) return "revoked";
  const left = Date.parse(key.expires_at) - nowMs;
  if (left <= 0) return "expired";
  return left <= soonMs ? "expiring" : "usable";
}
