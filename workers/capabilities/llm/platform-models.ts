/** Models of the platform's own, asked through the operator's binding: no address, no key, and the operator's bill. */
import type { PlatformPrices } from "../../../core/llm/platform-models.ts";
import { type Asked, askWithin, type ProviderTimes, providerTimes } from "./asked.ts";

/** What is used of the binding `[ai]` (Workers AI). */
export interface AiBinding {
  run(
    model: string,
    inputs: object,
    options: { readonly returnRawResponse: true; readonly signal: AbortSignal },
  ): Promise<Response>;
}

export interface PlatformModels {
  /** What is offered, at the operator's price. Never empty. */
  readonly prices: PlatformPrices;
  /** Asks one that is offered. Never throws. */
  ask(model: string, inputs: object): Promise<Asked>;
}

/**
 * @param binding absent where the operator has not bound it
 * @param prices what the operator lists
 * @returns null where one of them is missing: nothing is offered then
 */
export function createPlatformModels(
  binding: AiBinding | undefined,
  prices: PlatformPrices,
  times: ProviderTimes = providerTimes,
): PlatformModels | null {
  if (binding === undefined || prices.size === 0) return null;
  return {
    prices,
    async ask(model, inputs) {
      // Whoever asks has looked; what the operator is billed for is looked at here too.
      if (!prices.has(model)) return { kind: "failed", mayHaveCost: false };
      return askWithin(
        times,
        (signal) => binding.run(model, inputs, { returnRawResponse: true, signal }),
        // 408 is its own time-out (3007), behind work that was begun.
        (status) => status < 400 || status === 408,
      );
    },
  };
}
