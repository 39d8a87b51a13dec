import { isCountryCode } from "../../../core/tenancy/policy.ts";
import { type Gate, localDeadlineMs } from "./gate.ts";

/**
 * Country. `request.cf.country` must be in the addressed organisation's list, else in the
 * platform's. Tor (`T1`), unknown (`XX`), missing and malformed are in no list: a list is made of
 * country codes only, and what is no country code is refused before the list is asked.
 */
export const geoGate: Gate<never, "country"> = {
  name: "geo",
  appliesTo: "every_request",
  needs: [],
  adds: ["country"],
  deadlineMs: localDeadlineMs,
  judge({ request, resolution }) {
    const seen = request.cf?.["country"];
    const country = isCountryCode(seen) ? seen : null;
    if (resolution.kind === "route" && resolution.match.route.geo !== "addressed")
      return { kind: "allow", adds: { country } };
    if (country === null || !resolution.policy.geoCountries.includes(country))
      return { kind: "deny", code: "geo_denied" };
    return { kind: "allow", adds: { country } };
  },
};
