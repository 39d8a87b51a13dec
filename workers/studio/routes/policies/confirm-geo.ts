import { confirmGeoRules } from "../../../../store/control/geo-policies.ts";
import { spreadGeoPolicy } from "../../geo/tell-hub.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { geoAnswer, geoView } from "./geo-schemas.ts";

/** Makes a pending change stay. It is judged by the change itself: whom that locked out can't confirm it. */
export const confirmGeo = defineRoute(
  "confirmGeo",
  { caller: "member", status: 200, answer: geoAnswer },
  async (context) => {
    const { services, scope, person } = context;
    const confirmed = await confirmGeoRules(services.database, context.write(), scope);
    if (confirmed === null) {
      return refuse("conflict", { detail: "No change waits for a confirmation; it may have gone back already." });
    }
    context.caused([{ type: "policy_change", user_id: person.user, policy: "geo_confirmed" }]);
    const asUser = () => context.asUser("durable-objects.hub-control");
    const stored = await spreadGeoPolicy(services, scope, context.requestId, asUser, confirmed);
    return answer(geoView(stored.policy.geo, services.now()));
  },
);
