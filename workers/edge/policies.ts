import { type OrgId, parseId, parseSlug } from "../../core/ids.ts";
import { type OrgPolicy, parseOrgPolicy, policyKey } from "../../core/tenancy/policy.ts";
import type { BoundedCache } from "./bounded-cache.ts";
import type { Env } from "./env.ts";

/** How long an isolate uses what it read, in milliseconds (ARCHITECTURE: at most a minute). */
export const policyFreshMs = 60_000;
/** Policies in one isolate: some 300 bytes each, so under 2 MiB of its 128. */
export const policyEntriesMax = 4096;

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
  policies: Env["POLICIES"],
  cache: BoundedCache<OrgPolicy>,
  nowMs: number,
): Promise<OrgPolicy | null> {
  const id = parseId("org", named);
  const slug = parseSlug(named);
  if (id === null && slug === null) return null;
  const cached = cache.get(named, nowMs);
  if (cached !== undefined) return cached;

  const org = id ?? (slug === null ? null : parseId("org", await policies.get(policyKey.slug(slug))));
  if (org === null) return null;
  const policy = await readPolicy(org, policies);
  if (policy === null) return null;
  // Both keys must tell one story: a slug that was handed on must not open its former owner's policy.
  if (policy.org !== org || (slug !== null && policy.slug !== slug)) return null;
  cache.set(named, policy, nowMs + policyFreshMs);
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
