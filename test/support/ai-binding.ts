/**
 * workerd's own AI binding for a test in Node: a Worker that asks it with the code of capabilities, with the binding's other end on
 * loopback. What is between is Cloudflare's, abort and all.
 */
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import type { PlatformPrices } from "../../core/llm/platform-models.ts";
import { bundleWorker } from "../../scripts/bundle.ts";
import { localAi } from "../../scripts/stack/local-ai.ts";
import type { Asked, ProviderTimes } from "../../workers/capabilities/llm/asked.ts";
import type { PlatformModels } from "../../workers/capabilities/llm/platform-models.ts";
import { type AiOrder, brokenMark } from "./ai-order.ts";

export interface RealAi {
  /** @param prices what the operator lists; written by tests */
  models(prices: PlatformPrices, times: ProviderTimes): PlatformModels;
  stop(): Promise<void>;
}

/** @param origin of the server that stands for Workers AI */
export async function startRealAi(origin: string): Promise<RealAi> {
  const contents = await bundleWorker(new URL("./ai-caller-worker.ts", import.meta.url).pathname);
  const worker = {
    name: "ai",
    modules: [{ type: "ESModule", path: "index.mjs", contents }],
    compatibilityDate: "2026-10-20",
    ...localAi(origin),
  };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers: [worker] } as unknown as V4MiniflareOptions));
  const url = await miniflare.ready;
  const ask = async (order: AiOrder): Promise<Asked> => {
    const gone = new AbortController();
    const response = await fetch(url, { method: "POST", body: JSON.stringify(order), signal: gone.signal });
    const kind = response.headers.get("X-Asked");
    if (kind === "nothing") return (await response.json()) as Asked;
    return { kind: "answering", isStream: kind === "stream", bytes: bytesOf(response, gone) };
  };
  return {
    models: (prices, times) => ({
      prices,
      ask: (model, inputs) => ask({ model, inputs, prices: [...prices], times }),
    }),
    stop: () => miniflare.dispose(),
  };
}

/** @throws where reading it threw in the Worker */
async function* bytesOf({ body }: Response, gone: AbortController): AsyncGenerator<Uint8Array, void> {
  const mark = Buffer.from(brokenMark);
  try {
    for await (const some of body ?? []) {
      const isBroken = Buffer.from(some).subarray(-mark.length).equals(mark);
      if (isBroken) {
        yield some.subarray(0, some.length - mark.length);
        throw new Error("the answer broke off");
      }
      yield some;
    }
  } finally {
    gone.abort();
  }
}
