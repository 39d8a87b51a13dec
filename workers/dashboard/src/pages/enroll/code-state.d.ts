import type { EnrollmentCode } from "../../api/schemas.ts";
export type CodeState = "usable" | "used_up" | "expired" | "revoked";
/** @param nowMs Unix milliseconds */
export declare function codeState(code: EnrollmentCode, nowMs: number): CodeState;
