import type { EnrollmentCode } from "../../api/schemas.ts";

export type CodeState = "usable" | "used_up" | "expired" | "revoked";

/** @param nowMs Unix milliseconds */
export function codeState(code: EnrollmentCode, nowMs: number): CodeState {
  if (code.revoked_at !== null) return "revoked";
  if (code.uses >= code.max_uses) return "used_up";
  return Date.parse(code.expires_at) <= nowMs ? "expired" : "usable";
}
