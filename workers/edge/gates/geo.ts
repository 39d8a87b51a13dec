import type { RouteName } from "../../../core/routes.ts";
import {
  type GeoFacts,
  type GeoStanding,
  judgeGeo,
  readGeoFacts,
  type Surface,
} from "../../../core/tenancy/geo-policy.ts";
import { parseNetwork } from "../../../core/tenancy/network.ts";
import { readPresentedCredential } from "../presented-credential.ts";
import { type Denial, type Gate, type GateResult, localDeadlineMs, type RequestContext } from "./gate.ts";
import { claimedPolicy } from "./geo-claim.ts";
import type { GeoJudged } from "./geo-judged.ts";
import { surfaceOf } from "./geo-surface.ts";

type Result = GateResult<{ readonly country: string | null; readonly geo: GeoJudged }>;

export const geoDenied: Denial = { kind: "deny", code: "geo_denied" };

/**
 * Where somebody who travels must be able to come before it is known who it is: the pages hold no data, and
 * whoever completes a sign-in is judged then, by studio.
 */
const travellersDoors: ReadonlySet<RouteName> = new Set<RouteName>([
  "dashboardOrg",
  "dashboardOrgPage",
  "orgSignInProviders",
  "orgLogin",
  "orgLoginMfa",
  "orgLoginMfaPasskeyOptions",
  "orgPasskeySignInOptions",
  "orgPasskeySignIn",
  "orgStartOidc",
  "orgFinishOidc",
  "orgRefresh",
]);

/**
 * Country, network and number, by the rules of the surface that the request is for: of the addressed
 * organisation, else the platform's. Tor (`T1`), unknown (`XX`), missing and malformed countries are refused
 * before any list is asked.
 */
export const geoGate: Gate<never, "country" | "geo"> = {
  name: "geo",
  appliesTo: "every_request",
  needs: [],
  adds: ["country", "geo"],
  // Longer only for a request of one's own from where the platform takes none: another policy is read then.
  deadlineMs: localDeadlineMs,
  judge(context): Result | Promise<Result> {
    const { request, client, resolution, nowMs } = context;
    const network = parseNetwork(client.ip);
    if (network === null) throw new Error("an address that was counted is none");
    const facts = readGeoFacts(request.cf, network);
    const presented = readPresentedCredential(request.headers);
    const surface = resolution.kind === "miss" ? "dashboard" : surfaceOf(resolution.match, presented);
    const policy = resolution.policy.geo;
    const seen = { facts, surface, claimed: null };
    if (resolution.kind === "route" && resolution.match.route.geo !== "addressed")
      return allow({ ...seen, standings: {}, standing: "admitted" });

    const possible: readonly Surface[] = surface === null ? ["api", "devices"] : [surface];
    const standings = Object.fromEntries(possible.map((one) => [one, judgeGeo(policy, one, facts, nowMs)]));
    const best = bestOf(Object.values(standings));
    if (best === "admitted") return allow({ ...seen, standings, standing: best });
    if (best === "person_only" && mayPassUnknown(context, presented.kind)) {
      return allow({ ...seen, standings, standing: best });
    }
    const mayClaim = presented.kind === "bearer" || presented.kind === "cookie";
    return mayClaim && surface !== null ? judgeClaim(context, { facts, surface }) : geoDenied;
  },
};

/** A surface's best is what a request may hope for whose surface CONNECT will tell. */
function bestOf(standings: readonly GeoStanding[]): GeoStanding {
  if (standings.includes("admitted")) return "admitted";
  return standings.includes("person_only") ? "person_only" : "refused";
}

/** With a credential, or before one where a sign-in begins or CONNECT brings it. */
function mayPassUnknown({ resolution }: RequestContext, presented: string): boolean {
  if (resolution.kind === "miss") return false;
  const { name, route } = resolution.match;
  if (route.policy.kind === "public" && name !== "mqtt") return travellersDoors.has(name);
  return name === "mqtt" || presented === "bearer" || presented === "cookie";
}

async function judgeClaim(
  context: RequestContext,
  { facts, surface }: { readonly facts: GeoFacts; readonly surface: Surface },
): Promise<Result> {
  const claimed = await claimedPolicy(context, readPresentedCredential(context.request.headers));
  if (claimed === null) return geoDenied;
  const standing = judgeGeo(claimed.geo, surface, facts, context.nowMs);
  if (standing === "refused") return geoDenied;
  return allow({ facts, surface, standings: { [surface]: standing }, standing: "person_only", claimed });
}

function allow(geo: GeoJudged): Result {
  return { kind: "allow", adds: { country: geo.facts.country, geo } };
}
