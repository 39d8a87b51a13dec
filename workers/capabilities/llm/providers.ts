/** What owners and admins do with providers, and what everybody sees of the month's use. */
import { makeId, parseId } from "../../../core/ids.ts";
import { keyCharactersMax, keyTimes, overlapDays } from "../../../core/llm/provider.ts";
import type { LlmProvider, LlmRpc } from "../../../core/rpc/llm.ts";
import * as store from "../../../store/tenant/llm-providers.ts";
import { listUsage } from "../../../store/tenant/llm-spending.ts";
import type { Handler } from "./admission.ts";
import { sealKey } from "./keys.ts";
import { ok, refused } from "./result.ts";

export const listProviders: Handler<LlmRpc["listProviders"]> = async ({ database, now }) =>
  ok((await store.listProviders(database)).map((provider) => shown(provider, now())));

export const addProvider: Handler<LlmRpc["addProvider"]> = async (context, settings, key) => {
  if (!isKey(key) || !context.mayCall(settings.baseUrl)) return refused("invalid_request");
  const id = makeId("llmProvider", context.now(), context.randomBytes(10));
  const given = { id, by: context.user, settings, key: await sealKey(context, id, key) };
  const added = await store.addProvider(context.database, given);
  return added === null ? refused("conflict") : ok(shown(added, context.now()));
};

/**
 * A key goes to the host that it was given for and to no other: whoever points a provider elsewhere gives the key anew,
 * and the one before ends with its address. Otherwise the way to read a key would be to send it to oneself.
 */
export const changeProvider: Handler<LlmRpc["changeProvider"]> = async (context, id, change) => {
  const { settings, key, keepPrevious } = change;
  if (parseId("llmProvider", id) === null) return refused("not_found");
  if (!context.mayCall(settings.baseUrl) || (key !== null && !isKey(key))) return refused("invalid_request");
  const present = (await store.listProviders(context.database)).find((provider) => provider.id === id);
  if (present === undefined) return refused("not_found");
  const moved = present.baseUrl !== settings.baseUrl;
  if (moved && key === null) return refused("invalid_request");
  const rotated =
    key === null
      ? null
      : { ...(await sealKey(context, id, key)), overlapDays: keepPrevious && !moved ? overlapDays : 0 };
  const changed = await store.changeProvider(context.database, id, settings, present.baseUrl, rotated);
  return typeof changed === "string" ? refused(changed) : ok(shown(changed, context.now()));
};

export const removeProvider: Handler<LlmRpc["removeProvider"]> = async ({ database }, id) => {
  if (parseId("llmProvider", id) === null) return refused("not_found");
  return (await store.removeProvider(database, id)) ? ok(null) : refused("not_found");
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
