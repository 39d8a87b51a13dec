import { type OrgPolicy, policyKey } from "../../../../core/tenancy/policy.ts";
import type { OrgScope } from "../../../../store/control/org-scope.ts";
import { readPolicy, type VersionedPolicy } from "../../../../store/control/policies.ts";
import { fromPart } from "../../downstream.ts";
import type { Services } from "../../services.ts";
import { Unavailable } from "../../unavailable.ts";

/** Changes that may overtake one publication before it gives up; each is somebody's PUT in these milliseconds. */
const attemptsMax = 5;

/**
 * Brings the edge's copy up to what is stored, never back: it writes, looks whether a newer version was
 * committed meanwhile, and then writes that. The edge sees it within a minute.
 * @param stored what this request has just stored or read, if it has: that is written first
 * @param lookAgain what is done with a version that the edge has, and what is stored after that; by itself, only a look
 * @returns what the edge was given last
 * @throws Unavailable
 */
export async function publishPolicy(
  services: Services,
  scope: OrgScope,
  stored: VersionedPolicy | null = null,
  lookAgain: (published: VersionedPolicy) => Promise<VersionedPolicy | null> = () =>
    readPolicy(services.database, scope),
): Promise<VersionedPolicy> {
  let current = stored ?? (await readPolicy(services.database, scope));
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (current === null) throw new Error("an organisation without a row has no policy");
    await putPolicy(services, current.policy);
    const newest = await lookAgain(current);
    if (newest?.version === current.version) return current;
    current = newest;
  }
  throw new Unavailable("policy store");
}

/** Gives the edge this policy, whatever is stored by now. @throws Unavailable */
export async function putPolicy(services: Services, policy: OrgPolicy): Promise<void> {
  // The id's policy first: a slug that resolves must find one.
  await fromPart("policy store", async () => {
    await services.policies.put(policyKey.org(policy.org), JSON.stringify(policy));
    await services.policies.put(policyKey.slug(policy.slug), policy.org);
  });
}
