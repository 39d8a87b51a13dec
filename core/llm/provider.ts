/** What an organisation says of a provider, and when a key of one is due. */
import { parseOutsideAddress } from "../outside-address.ts";
import type { Role } from "../tenancy/roles.ts";

/** Roles that may ask a provider at all; `readonly` does nothing that costs. */
export const askingRoles = ["owner", "admin", "analyst", "viewer"] as const satisfies readonly Role[];
export type AskingRole = (typeof askingRoles)[number];

/** A model that a provider offers. */
export interface ModelPrice {
  /** What people ask for; two providers may offer the same, and then the second stands in for the first. */
  readonly name: string;
  /** What the provider calls it. */
  readonly upstream: string;
  /** Micro-dollars for a million tokens, as the provider bills them. */
  readonly inputMicros: number;
  readonly outputMicros: number;
  /** Nobody has said what it costs: the price is a guess of ours, above what it should be (well-known.ts). */
  readonly assumed?: true;
}

/** Kinds with an address and a key of the organisation's: OpenAI's format, which most know, or Anthropic's own. */
export const keyedKinds = ["openai", "anthropic"] as const;
export type KeyedKind = (typeof keyedKinds)[number];

/** How a provider is spoken to. `workers_ai`: the platform's own models, through a binding of the operator's. */
export const providerKinds = [...keyedKinds, "workers_ai"] as const;
export type ProviderKind = (typeof providerKinds)[number];

interface CommonSettings {
  readonly name: string;
  readonly models: readonly ModelPrice[];
  readonly roles: readonly AskingRole[];
  readonly monthlyBudgetMicros: number;
  /** The lowest is asked first. */
  readonly place: number;
  readonly masks: boolean;
}
export interface KeyedSettings extends CommonSettings {
  readonly kind: KeyedKind;
  /** Where its API begins, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  readonly graceDays: number;
}
/** No address, no key, nothing that could be due: null and never left out, so that nothing is missing by accident. */
export interface PlatformSettings extends CommonSettings {
  readonly kind: "workers_ai";
  readonly baseUrl: null;
  readonly graceDays: null;
}
export type ProviderSettings = KeyedSettings | PlatformSettings;

/** Providers of an organisation: a chain of more would outlast the request. */
export const providersMax = 10;
export const modelsMax = 50;
export const nameCharactersMax = 64;
export const modelCharactersMax = 128;
/** A thousand dollars for a million tokens: above every price there is, and its products stay exact. */
export const priceMicrosMax = 1_000_000_000;
/** A million dollars a month. */
export const budgetMicrosMax = 1_000_000_000_000;
export const placeMax = 1_000;
/** Longest key: the longest in use, a signed token, is far below. */
export const keyCharactersMax = 1_024;

/** A key is another one every month. */
export const keyDays = 30;
export const graceDaysMax = 30;
/** How long the key before is valid beside its successor: whoever still sends with it has a week. */
export const overlapDays = 7;

const dayMs = 86_400_000;

/** When a key is due, and when it stops being used; Unix milliseconds. @param sinceMs when it was given */
export function keyTimes(sinceMs: number, graceDays: number): { readonly dueMs: number; readonly blockedMs: number } {
  const dueMs = sinceMs + keyDays * dayMs;
  return { dueMs, blockedMs: dueMs + graceDays * dayMs };
}

/**
 * The address of a provider's API, if it may be called: https on port 443 of a host that the platform lists. A Worker
 * can't see or pin what a name resolves to, so the list is what keeps an administrator from aiming it elsewhere.
 * @param hosts exact names, without a port
 * @param loopback origins that development lets through as they are; empty in production
 * @returns null when it may not be called
 */
export function parseProviderAddress(
  text: unknown,
  hosts: ReadonlySet<string>,
  loopback: ReadonlySet<string>,
): URL | null {
  const url = parseOutsideAddress(text, loopback);
  // As it is written is as it is called: no second spelling of a path, and none that leads up from where the API begins.
  if (url === null || (url.href !== text && url.href !== `${String(text)}/`)) return null;
  if (url.search !== "" || url.pathname.endsWith("/") !== (url.pathname === "/")) return null;
  // Each segment is a plain name.
  if (url.pathname !== "/" && !/^(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)+$/.test(url.pathname)) return null;
  return loopback.has(url.origin) || hosts.has(url.hostname) ? url : null;
}

/** @throws Error naming the setting when it is no list of host names */
export function parseProviderHosts(name: string, text: string): ReadonlySet<string> {
  const hosts = text.split(",").map((part) => part.trim());
  for (const host of hosts) {
    if (parseOutsideAddress(`https://${host}`, new Set())?.hostname !== host)
      throw new Error(`${name} is a list of public host names, such as api.openai.com`);
  }
  return new Set(hosts);
}
