/** Which of an organisation's providers are asked for a model, in which order, with which keys. */
import { keyTimes, type ModelPrice } from "../../../core/llm/provider.ts";
import type { LlmRpc } from "../../../core/rpc/llm.ts";
import { listProviders, type StoredKey, type StoredProvider } from "../../../store/tenant/llm-providers.ts";
import type { CallContext, Handler } from "./admission.ts";
import { ok } from "./result.ts";

export interface Link {
  readonly provider: StoredProvider;
  readonly model: ModelPrice;
  /** Those that may be used now, the newest first. Empty: each is past its time. */
  readonly keys: readonly StoredKey[];
}

/** Providers that offer the model to the caller's role. */
export async function chainFor({ database, role, now }: CallContext, model: string): Promise<Link[]> {
  const nowMs = now();
  const links: Link[] = [];
  for (const provider of await listProviders(database)) {
    const offered = provider.models.find(({ name }) => name === model);
    if (offered === undefined || !provider.roles.some((named) => named === role)) continue;
    links.push({ provider, model: offered, keys: usableKeys(provider, nowMs) });
  }
  return links;
}

/** What the caller's role may ask for now. */
export const offeredModels: Handler<LlmRpc["models"]> = async ({ database, role, now }) => {
  const nowMs = now();
  const names = (await listProviders(database))
    .filter((provider) => provider.roles.some((named) => named === role) && usableKeys(provider, nowMs).length > 0)
    .flatMap(({ models }) => models.map(({ name }) => name));
  return ok([...new Set(names)]);
};

function usableKeys({ key, previous, graceDays }: StoredProvider, nowMs: number): StoredKey[] {
  const keys: StoredKey[] = [];
  if (nowMs < keyTimes(Date.parse(key.since), graceDays).blockedMs) keys.push(key);
  if (previous !== null && nowMs < Date.parse(previous.until)) keys.push(previous);
  return keys;
}
