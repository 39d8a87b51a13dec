import type { LlmProvider } from "../../api/llm.ts";

/** Long enough to get to whoever holds the provider's console. */
const soonMs = 7 * 24 * 3600_000;

export type LlmKeyState = "good" | "soon" | "due" | "blocked";

/** @param nowMs Unix milliseconds */
export function llmKeyState(key: Pick<LlmProvider["key"], "due_at" | "blocked_at">, nowMs: number): LlmKeyState {
  if (nowMs >= Date.parse(key.blocked_at)) return "blocked";
  const left = Date.parse(key.due_at) - nowMs;
  if (left <= 0) return "due";
  return left <= soonMs ? "soon" : "good";
}
