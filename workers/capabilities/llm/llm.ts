import { KeyUnavailable } from "../../../core/crypto/key-wrapper.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { LlmResult, LlmRpc } from "../../../core/rpc/llm.ts";
import { admit, type CallContext, type Handler, type LlmDependencies } from "./admission.ts";
import { offeredModels as models } from "./chain.ts";
import { complete } from "./complete.ts";
import { embed } from "./embed.ts";
import { namedKey, putNamedKey, revokeNamedKey } from "./named-keys.ts";
import { addProvider, changeProvider, listProviders, removeProvider, usage } from "./providers.ts";
import { refused } from "./result.ts";

/** What each method does once its call is admitted. None runs otherwise. */
const handlers: { readonly [Method in keyof LlmRpc]: Handler<LlmRpc[Method]> } = {
  listProviders,
  addProvider,
  changeProvider,
  removeProvider,
  namedKey,
  putNamedKey,
  revokeNamedKey,
  models,
  usage,
  complete,
  embed,
};

export const llmMethods = Object.keys(handlers) as (keyof LlmRpc)[];

/** The capability: every method is admission, then its handler. */
export function createLlm(dependencies: LlmDependencies): LlmRpc {
  const guarded = llmMethods.map((method) => {
    // Each handler takes its own arguments; the mapped type above has checked every pair.
    const run = handlers[method] as (context: CallContext, ...rest: unknown[]) => Promise<LlmResult<unknown>>;
    const answer = async (call: SignedCall, ...rest: unknown[]): Promise<LlmResult<unknown>> => {
      const context = await admit(dependencies, method, call);
      if (context === null) return refused("forbidden");
      try {
        return await run(context, ...rest);
      } catch (error) {
        // The providers' keys are sealed, and what opens them can't be had.
        if (error instanceof KeyUnavailable) return refused("key_unavailable");
        throw error;
      }
    };
    return [method, answer] as const;
  });
  return Object.fromEntries(guarded) as unknown as LlmRpc;
}
