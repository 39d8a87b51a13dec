/** What a test in Node and the Worker that asks for it (ai-caller-worker.ts) say to each other. */
import type { PlatformPrices } from "../../core/llm/platform-models.ts";
import type { ProviderTimes } from "../../workers/capabilities/llm/asked.ts";

export interface AiOrder {
  readonly model: string;
  readonly inputs: object;
  readonly prices: readonly (readonly [string, NonNullable<ReturnType<PlatformPrices["get"]>>])[];
  readonly times: ProviderTimes;
}

/** Stands at the end of an answer that threw while it was read. */
export const brokenMark = "\u0000broken\u0000";
