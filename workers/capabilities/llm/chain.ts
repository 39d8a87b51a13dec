/** Which of an organisation's providers are asked for a model, in which order, with which keys. */
import { keyTimes, type ModelPrice } from "../../../core/llm/provider.ts";
import type { LlmRpc } from "../../../core/rpc/llm.ts";
import {
  type KeyedProvider,
  listProviders,
  type PlatformProvider,
  type StoredKey,
  type StoredProvider,
} from "../../../store/tenant/llm-providers.ts";
import type { CallContext, Handler } from "./admission.ts";
import { ok } from "./result.ts";

export type Link =
  | {
      readonly provider: KeyedProvider;
      readonly model: ModelPrice;
      /** Those that may be used now, the newest first. Empty: each is past its time. */
      readonly keys: readonly StoredKey[];
    }
  | { readonly provider: PlatformProvider; readonly model: ModelPrice; readonly keys: null };

/** Providers that offer the model to the caller's role. */
export async function chainFor({ database, role, platform, now }: CallContext, model: string): Promise<Link[]> {
  const nowMs = now();
  const links: Link[] = [];
  for (const provider of await listProviders(database)) {
    const offered = provider.models.find(({ name }) => name === model);
    if (offered === undefined || !provider.roles.some((named) => named === role)) continue;
    if (provider.kind !== "workers_ai") links.push({ provider, model: offered, keys: usableKeys(provider, nowMs) });
    else {
      const price = platform?.prices.get(offered.upstream);
      // What the operator takes from the list is asked no more, and its price is the operator's of now.
      if (price !== undefined) links.push({ provider, model: { ...offered, ...price }, keys: null });
    }
  }
  return links;
}

/** What the caller's role may ask for now. */
export const offeredModels: Handler<LlmRpc["models"]> = async ({ database, role, platform, now }) => {
  const nowMs = now();
  const offers = (provider: StoredProvider): readonly ModelPrice[] => {
    if (!provider.roles.some((named) => named === role)) return [];
    if (provider.kind === "workers_ai")
      return provider.models.filter(({ upstream }) => platform?.prices.has(upstream) === true);
    return usableKeys(provider, nowMs).length > 0 ? provider.models : [];
  };
  const names = (await listProviders(database)).flatMap((provider) => offers(provider).map(({ name }) => name));
  return ok([...new Set(names)]);
};

function usableKeys({ key, previous, graceDays }: KeyedProvider, nowMs: number): StoredKey[] {
  const keys: StoredKey[] = [];
  if (nowMs < keyTimes(Date.parse(key.since), graceDays).blockedMs) keys.push(key);
  if (previous !== null && nowMs < Date.parse(previous.until)) keys.push(previous);
  return keys;
}
