import { readPolicy } from "../../../../store/control/policies.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { policyAnswer, policyParams } from "./schemas.ts";

export const getPolicy = defineRoute(
  "getPolicy",
  { caller: "member", params: policyParams, status: 200, answer: policyAnswer },
  async ({ services, membership }, { params }) => {
    const stored = await readPolicy(services.database, membership.org);
    if (stored === null) return refuse("not_found");
    const { geoCountries, tlsDeviceMin } = stored.policy;
    return answer(params.policy === "geo" ? { countries: [...geoCountries] } : { device_min: tlsDeviceMin });
  },
);
