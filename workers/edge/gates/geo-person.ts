import { mayTravel } from "../../../core/tenancy/geo-policy.ts";
import type { Credential } from "../verify-credential.ts";
import type { Additions, Gate, RequestContext } from "./gate.ts";
import { geoDenied } from "./geo.ts";

/**
 * The second half of the geo gate, made of the credential gate: where only certain people may pass, it looks who
 * came. Whatever the credential gate refuses there is `geo_denied` too: from a country that an organisation's
 * traveller is in, a made-up credential must get the answer that it gets from any other.
 */
export function judgedByPerson(inner: Gate<"geo", "credential">): Gate<"geo", "credential"> {
  return {
    ...inner,
    async judge(context) {
      const result = await inner.judge(context);
      if (context.geo.standing === "admitted") return result;
      if (result.kind === "deny") return geoDenied;
      return mayPass(context, result.adds.credential) ? result : geoDenied;
    },
  };
}

function mayPass(context: RequestContext & Pick<Additions, "geo">, credential: Credential): boolean {
  const { resolution, geo, nowMs } = context;
  const { facts, surface, claimed } = geo;
  if (resolution.kind === "miss") return false;
  // Sign-in begins here, or CONNECT is still to come: studio and the hub judge whoever it turns out to be.
  if (credential.kind === "none" || credential.kind === "device")
    return resolution.match.route.policy.kind === "public";
  if (credential.kind !== "user") return false;
  if (claimed === null)
    return isDoor(context) || mayTravel(resolution.policy.geo, credential.user, facts.country, nowMs);
  // Studio signs a token for an organisation only to its members.
  if (credential.org !== claimed.org || surface === null) return false;
  return geo.standings[surface] === "admitted" || mayTravel(claimed.geo, credential.user, facts.country, nowMs);
}

/** Whoever is signed in already may sign in again like anybody else. */
function isDoor({ resolution }: RequestContext): boolean {
  return (
    resolution.kind === "route" && resolution.match.route.policy.kind === "public" && resolution.match.name !== "mqtt"
  );
}
