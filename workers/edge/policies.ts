import { type OrgId, parseId, parseSlug } from "../../core/ids.ts";
import { type OrgPolicy, parseOrgPolicy, policyKey } from "../../core/tenancy/policy.ts";
import { type BoundedCache, createBoundedCache } from "./bounded-cache.ts";
import type { Env } from "./env.ts";

/** How long an isolate uses what it read, in milliseconds, at most (ARCHITECTURE: a minute). */
export const policyFreshMsMax = 60_000;
/** Policies in one isolate. */
export const policyEntriesMax = 4096;

/**
 * Characters of all of them as JSON: 300 each for most, up to 36,000 with rules of their own and a geo policy. In
 * memory some four times as many bytes, compiled patterns among them: 32 MiB of the isolate's 128.
 */
export const policyCharactersMax = 8 * 1024 * 1024;

/** What an isolate remembers: a policy once, however its organisation was named, so that its doors never disagree. */
export interface KnownPolicies {
  /** By organisation. */
  readonly policies: BoundedCache<OrgPolicy>;
  readonly slugs: BoundedCache<OrgId>;
  /** How long each is used, in milliseconds. */
  readonly freshMs: number;
}

/** @param freshMs how long what was read is used, in milliseconds; at most {@link policyFreshMsMax} */
export function createKnownPolicies(freshMs: number, entriesMax = policyEntriesMax): KnownPolicies {
  const weight = { max: policyCharactersMax, of: (policy: OrgPolicy) => JSON.stringify(policy).length };
  return {
    policies: createBoundedCache(entriesMax, weight),
    slugs: createBoundedCache(entriesMax),
    freshMs: Math.min(freshMs, policyFreshMsMax),
  };
}

/**
 * Finds the policy of the organisation that a path names by id or slug.
 *
 * Only what was found is cached. An organisation that was just created must work at once, and a
 * flood of made-up names must not push real ones out (KV itself remembers an absent key for its
 * own cache time; nothing here can shorten that).
 * @returns null for a malformed name, an unknown organisation and a malformed record; whether it is open, a gate judges
 * @throws whatever KV throws: the caller refuses
 */
export async function findPolicy(
  named: string,
  store: Env["POLICIES"],
  known: KnownPolicies,
  nowMs: number,
): Promise<OrgPolicy | null> {
  const id = parseId("org", named);
  const slug = parseSlug(named);
  if (id === null && slug === null) return null;
  const untilMs = nowMs + known.freshMs;
  const knownOrg = id ?? known.slugs.get(named, nowMs);
  const org = knownOrg ?? (slug === null ? null : parseId("org", await store.get(policyKey.slug(slug))));
  if (org === null) return null;
  // Both keys must tell one story: a slug that was handed on must not open its former owner's policy.
  const tells = (policy: OrgPolicy): boolean => policy.org === org && (slug === null || policy.slug === slug);
  const cached = known.policies.get(org, nowMs);
  const policy = cached !== undefined && tells(cached) ? cached : await readPolicy(org, store);
  if (policy === null || !tells(policy)) return null;
  if (slug !== null && knownOrg === undefined) known.slugs.set(slug, org, untilMs);
  if (policy !== cached) known.policies.set(org, policy, untilMs);
  return policy;
}

async function readPolicy(org: OrgId, policies: Env["POLICIES"]): Promise<OrgPolicy | null> {
  const text = await policies.get(policyKey.org(org));
  if (text === null) return null;
  try {
    return parseOrgPolicy(JSON.parse(text));
  } catch {
    return null;
  }
}
