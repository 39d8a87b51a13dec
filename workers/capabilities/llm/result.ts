import type { LlmResult } from "../../../core/rpc/llm.ts";

type Refusal = Extract<LlmResult<unknown>, { ok: false }>;

export const ok = <T>(value: T): LlmResult<T> => ({ ok: true, value });
export const refused = (code: Refusal["code"]): Refusal => ({ ok: false, code });
