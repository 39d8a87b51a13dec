/** What owners and admins do with providers, and what everybody sees of the month's use. */
import { makeId, parseId } from "../../../core/ids.ts";
import {
  keyCharactersMax,
  keyedKinds,
  keyTimes,
  type ModelPrice,
  overlapDays,
  type ProviderSettings,
} from "../../../core/llm/provider.ts";
import type { KeyedLlmProvider, LlmProvider, LlmRpc, PlatformLlmProvider } from "../../../core/rpc/llm.ts";
import * as store from "../../../store/tenant/llm-providers.ts";
import { listUsage } from "../../../store/tenant/llm-spending.ts";
import type { CallContext, Handler } from "./admission.ts";
import { sealKey } from "./keys.ts";
import { ok, refused } from "./result.ts";

export const listProviders: Handler<LlmRpc["listProviders"]> = async ({ database, platform, now }) => {
  const nowMs = now();
  const providers = (await store.listProviders(database)).map((provider) => shown(atPrices(provider, platform), nowMs));
  const prices = platform === null ? [] : [...platform.prices];
  return ok({ providers, platform: prices.map(([upstream, price]) => ({ upstream, ...price })) });
};

export const addProvider: Handler<LlmRpc["addProvider"]> = async (context, given, key) => {
  const settings = allowed(context, given);
  if (typeof settings === "string") return refused(settings);
  if (settings.kind === "workers_ai" ? key !== null : !isKey(key)) return refused("invalid_request");
  const id = makeId("llmProvider", context.now(), context.randomBytes(10));
  const sealed = key === null ? null : await sealKey(context, id, key);
  const added = await store.addProvider(context.database, { id, by: context.user, settings, key: sealed });
  return added === null ? refused("conflict") : ok(shown(added, context.now()));
};

/**
 * A key goes to the host that it was given for and to no other: whoever points a provider elsewhere gives the key anew,
 * and the one before ends with its address. Otherwise the way to read a key would be to send it to oneself. What has no key
 * gets none, and what has one stays with one: whoever wants the other takes it away and adds it.
 */
export const changeProvider: Handler<LlmRpc["changeProvider"]> = async (context, id, change) => {
  const { key, keepPrevious } = change;
  if (parseId("llmProvider", id) === null) return refused("not_found");
  const settings = allowed(context, change.settings);
  if (typeof settings === "string") return refused(settings);
  if (key !== null && !isKey(key)) return refused("invalid_request");
  const present = (await store.listProviders(context.database)).find((provider) => provider.id === id);
  if (present === undefined) return refused("not_found");
  if ((present.kind === "workers_ai") !== (settings.kind === "workers_ai")) return refused("invalid_request");
  if (settings.kind === "workers_ai" && key !== null) return refused("invalid_request");
  const moved = present.baseUrl !== settings.baseUrl;
  if (moved && key === null) return refused("invalid_request");
  const rotated =
    key === null
      ? null
      : { ...(await sealKey(context, id, key)), overlapDays: keepPrevious && !moved ? overlapDays : 0 };
  const guessed = stillAssumed(settings, present.models);
  const changed = await store.changeProvider(context.database, id, guessed, present.baseUrl, rotated);
  return typeof changed === "string" ? refused(changed) : ok(shown(changed, context.now()));
};

/**
 * Settings that may stand, as they are kept. The second of three locks: studio has refused what is not, and the table refuses what
 * is neither whole.
 */
function allowed(
  { mayCall, platform }: CallContext,
  settings: ProviderSettings,
): ProviderSettings | "invalid_request" | "not_offered" {
  if (settings.kind !== "workers_ai") {
    const isWhole = keyedKinds.includes(settings.kind) && Number.isSafeInteger(settings.graceDays);
    return isWhole && mayCall(settings.baseUrl) ? settings : "invalid_request";
  }
  if (settings.baseUrl !== null || settings.graceDays !== null) return "invalid_request";
  // Each at the operator's price: who pays says what it costs.
  const models: ModelPrice[] = [];
  for (const { name, upstream } of settings.models) {
    const price = platform?.prices.get(upstream);
    if (price === undefined) return "not_offered";
    models.push({ name, upstream, ...price });
  }
  return { ...settings, models };
}

/** A price that was assumed stays so until somebody writes another one down: a new key is no word about it. */
function stillAssumed(settings: ProviderSettings, before: readonly ModelPrice[]): ProviderSettings {
  const same = (one: ModelPrice) => (other: ModelPrice) =>
    other.assumed === true &&
    one.upstream === other.upstream &&
    one.inputMicros === other.inputMicros &&
    one.outputMicros === other.outputMicros;
  const models = settings.models.map(({ assumed: _said, ...model }) =>
    before.some(same(model)) ? { ...model, assumed: true as const } : model,
  );
  return { ...settings, models };
}

/** With the operator's prices of now, where they are the operator's. */
function atPrices(provider: store.StoredProvider, platform: CallContext["platform"]): store.StoredProvider {
  if (provider.kind !== "workers_ai") return provider;
  const models = provider.models.map((model) => ({ ...model, ...platform?.prices.get(model.upstream) }));
  return { ...provider, models };
}

export const removeProvider: Handler<LlmRpc["removeProvider"]> = async ({ database }, id) => {
  if (parseId("llmProvider", id) === null) return refused("not_found");
  const removed = await store.removeProvider(database, id);
  return removed === null ? refused("not_found") : ok(removed);
};

export const usage: Handler<LlmRpc["usage"]> = async ({ database }, month) => {
  if (typeof month !== "string" || !/^20\d\d-(?:0[1-9]|1[0-2])$/.test(month)) return refused("invalid_request");
  return ok(await listUsage(database, `${month}-01`));
};

/** What a header takes, and no more. */
const isKey = (key: unknown): key is string =>
  typeof key === "string" && key.length >= 8 && key.length <= keyCharactersMax && /^[\x21-\x7e]+$/.test(key);

/** Without what is sealed. */
export function shown(provider: store.StoredProvider, nowMs: number): LlmProvider {
  return provider.kind === "workers_ai" ? shownPlatform(provider) : shownKeyed(provider, nowMs);
}

function shownPlatform({ previous, ...rest }: store.PlatformProvider): PlatformLlmProvider {
  return { ...rest, previousKey: previous };
}

export function shownKeyed(provider: store.KeyedProvider, nowMs: number): KeyedLlmProvider {
  const { key, previous, ...rest } = provider;
  const { dueMs, blockedMs } = keyTimes(Date.parse(key.since), provider.graceDays);
  const isValid = previous !== null && Date.parse(previous.until) > nowMs;
  return {
    ...rest,
    key: {
      fingerprint: key.fingerprint,
      since: key.since,
      dueAt: new Date(dueMs).toISOString(),
      blockedAt: new Date(blockedMs).toISOString(),
    },
    previousKey: isValid ? { fingerprint: previous.fingerprint, until: previous.until } : null,
  };
}
