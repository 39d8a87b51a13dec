/** What the llm capability answers where studio alone is under test. */
import { type IdKind, makeId } from "../../../core/ids.ts";
import type { ChatRequest } from "../../../core/llm/chat.ts";
import type { Completion, KeyedLlmProvider, LlmResult } from "../../../core/rpc/llm.ts";

export function llmAnswers(now: () => number): Record<string, (args: readonly unknown[]) => unknown> {
  const id = <K extends IdKind>(kind: K) => makeId(kind, now(), crypto.getRandomValues(new Uint8Array(10)));
  const at = (): string => new Date(now()).toISOString();
  const ok = <T>(value: T): LlmResult<T> => ({ ok: true, value });
  const provider = (): KeyedLlmProvider => ({
    id: id("llmProvider"),
    name: "ours",
    kind: "openai",
    baseUrl: "https://api.openai.com/v1",
    models: [{ name: "small", upstream: "small-1", inputMicros: 1, outputMicros: 2 }],
    roles: ["owner"],
    monthlyBudgetMicros: 10,
    spentMicros: 1,
    place: 0,
    masks: true,
    graceDays: 7,
    key: { fingerprint: "0123456789abcdef", since: at(), dueAt: at(), blockedAt: at() },
    previousKey: null,
    createdBy: id("user"),
    createdAt: at(),
  });
  const completion = (): Completion => ({ kind: "whole", provider: id("llmProvider"), json: '{"choices":[]}' });
  const streamed = (): Completion => {
    const said = { choices: [{ index: 0, delta: { content: "hello" }, finish_reason: "stop" }] };
    const events = new Blob([`data: ${JSON.stringify(said)}\n\n`, "data: [DONE]\n\n"]).stream();
    return { kind: "stream", provider: id("llmProvider"), events };
  };
  return {
    listProviders: () => ok({ providers: [provider()], platform: [] }),
    addProvider: () => ok(provider()),
    changeProvider: () => ok(provider()),
    removeProvider: () => ok({ hadKey: true }),
    namedKey: () => ok(provider()),
    putNamedKey: ([name]) => ok({ provider: provider(), created: name === "new" }),
    revokeNamedKey: () => ok(id("llmProvider")),
    models: () => ok(["small"]),
    usage: () => ok([]),
    embed: () => ok({ provider: id("llmProvider"), json: '{"data":[]}' }),
    complete: ([request]) => ok((request as ChatRequest).stream ? streamed() : completion()),
  };
}
