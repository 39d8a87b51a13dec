import { type KeyState, keyState } from "../../../../../core/llm/key-state.ts";
import type { LlmKey, LlmProvider } from "../../api/llm.ts";
import { formatInstant } from "../../format/time.ts";

/** @param nowMs Unix milliseconds */
export function llmKeyState(key: Pick<LlmKey, "due_at" | "blocked_at">, nowMs: number): KeyState {
  return keyState({ dueMs: Date.parse(key.due_at), blockedMs: Date.parse(key.blocked_at) }, nowMs);
}

/** Keys that somebody has to give anew, in words. */
export function keyNotices(
  providers: readonly Pick<LlmProvider, "id" | "name" | "key">[],
  nowMs: number,
): readonly { readonly id: string; readonly text: string }[] {
  return providers.flatMap(({ id, name, key }) => {
    // What has no key is never late with one.
    if (key === null) return [];
    const text = noticeOf(name, key, llmKeyState(key, nowMs));
    return text === null ? [] : [{ id, text }];
  });
}

function noticeOf(name: string, key: LlmKey, state: KeyState): string | null {
  const [due, blocked] = [key.due_at, key.blocked_at].map((at) => formatInstant(at)?.local ?? at);
  switch (state) {
    case "good":
      return null;
    case "soon":
      return `The key of ${name} is due on ${due}, and is not used from ${blocked} on.`;
    case "due":
      return `The key of ${name} has been due since ${due}, and is not used from ${blocked} on.`;
    case "blocked":
      return `The key of ${name} has not been used since ${blocked}: give it a new one.`;
  }
}
