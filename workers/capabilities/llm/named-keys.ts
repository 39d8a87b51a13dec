/** Keys by the name of their provider, for whoever has a name and a key and nothing else. */
import { wellKnownProvider } from "../../../core/llm/well-known.ts";
import type { KeyedLlmProvider, LlmProvider, LlmResult, LlmRpc } from "../../../core/rpc/llm.ts";
import * as store from "../../../store/tenant/llm-providers.ts";
import type { CallContext, Handler } from "./admission.ts";
import { addProvider, changeProvider, removeProvider, shownKeyed } from "./providers.ts";
import { ok, refused } from "./result.ts";

export const namedKey: Handler<LlmRpc["namedKey"]> = async (context, name) => {
  const found = await named(context, name);
  return found === null ? refused("not_found") : ok(shownKeyed(found, context.now()));
};

/**
 * Gives the provider of that name another key, or makes one of a kind that is well known. Two that make it at once end in
 * one provider: who comes second rotates the key of who came first.
 */
export const putNamedKey: Handler<LlmRpc["putNamedKey"]> = async (context, name, key, keepPrevious) => {
  const settings = typeof name === "string" ? wellKnownProvider(name) : null;
  let found = await named(context, name);
  if (found === null && settings !== null) {
    const added = await addProvider(context, settings, key);
    if (added.ok) return keyed(added.value, true);
    if (added.code !== "conflict") return added;
    found = await named(context, name);
    // There are as many providers as there may be.
    if (found === null) return refused("conflict");
  }
  if (found === null) return refused("not_found");
  const changed = await changeProvider(context, found.id, { settings: found, key, keepPrevious });
  return changed.ok ? keyed(changed.value, false) : changed;
};

const keyed = (
  provider: LlmProvider,
  created: boolean,
): LlmResult<{ readonly provider: KeyedLlmProvider; readonly created: boolean }> =>
  // It was looked for among those that have a key, and none loses it.
  provider.kind === "workers_ai" ? refused("not_found") : ok({ provider, created });

export const revokeNamedKey: Handler<LlmRpc["revokeNamedKey"]> = async (context, name) => {
  const found = await named(context, name);
  if (found === null) return refused("not_found");
  const removed = await removeProvider(context, found.id);
  return removed.ok ? ok(found.id) : removed;
};

/**
 * By its id, for names that stand in no path; by its name as it is written, else however that is capitalised: `openai` is also what somebody
 * called "OpenAI". The platform's own models have no key, and are none of these.
 */
async function named({ database }: CallContext, name: unknown): Promise<store.KeyedProvider | null> {
  if (typeof name !== "string") return null;
  const providers = (await store.listProviders(database)).filter((one) => one.kind !== "workers_ai");
  const alike = (one: store.KeyedProvider): boolean => one.name.toLowerCase() === name.toLowerCase();
  const exact = providers.find(({ id }) => id === name) ?? providers.find((one) => one.name === name);
  return exact ?? providers.find(alike) ?? null;
}
