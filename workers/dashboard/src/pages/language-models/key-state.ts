import { type KeyState, keyState } from "../../../../../core/llm/key-state.ts";
import type { LlmProvider } from "../../api/llm.ts";

/** @param nowMs Unix milliseconds */
export function llmKeyState(key: Pick<LlmProvider["key"], "due_at" | "blocked_at">, nowMs: number): KeyState {
  return keyState({ dueMs: Date.parse(key.due_at), blockedMs: Date.parse(key.blocked_at) }, nowMs);
}
