import { z } from "@hono/zod-openapi";
import {
  addException,
  type ExceptionView,
  listExceptions,
  removeException,
} from "../../../../store/control/geo-exceptions.ts";
import { spreadGeoPolicy } from "../../geo/tell-hub.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, idText, instant } from "../../http/schemas.ts";
import { instantQuery } from "../../http/time-query.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { country } from "./geo-schemas.ts";

/** Longest journey, in milliseconds: whoever stays longer lives there, and the policy should say so. */
const travelMsMax = 92 * 24 * 3600_000;

const exception = z.object({
  id: idText,
  user_id: idText,
  name: z.string(),
  country: z.string(),
  until: instant,
  created_at: instant,
});
const body = z.strictObject({ country, until: instantQuery });
const params = z.strictObject({ user: idOf("user") });

/** Lets one member come from one more country until a day, to the dashboard and the API. */
export const addGeoException = defineRoute(
  "addGeoException",
  { caller: "member", params, body, status: 201, answer: z.object({ id: idText, until: instant }) },
  async (context, { params: { user }, body: wanted }) => {
    const { services, scope, person } = context;
    const nowMs = services.now();
    const untilMs = wanted.until;
    if (untilMs <= nowMs || untilMs > nowMs + travelMsMax) {
      return refuse("invalid_request", { errors: [{ path: "until", message: "must be within the next 92 days" }] });
    }
    const id = services.makeId("geoException");
    const made = { id, user, country: wanted.country, untilMs, by: person.user };
    const outcome = await addException(services.database, context.write(), scope, made);
    if (outcome === "not_a_member") return refuse("not_found");
    if (outcome === "too_many") return refuse("conflict", { detail: "As many travel at once as a policy can hold." });
    await spread(context);
    return answer({ id, until: new Date(untilMs).toISOString() });
  },
);

export const listGeoExceptions = defineRoute(
  "listGeoExceptions",
  { caller: "member", status: 200, answer: z.object({ items: z.array(exception), next_cursor: z.null() }) },
  async ({ services, scope }) => {
    const items = await listExceptions(services.database, scope, services.now());
    return answer({ items: items.map(viewOf), next_cursor: null });
  },
);

/** Ends it at once; what the person has open from there is closed. */
export const removeGeoException = defineRoute(
  "removeGeoException",
  { caller: "member", params: z.strictObject({ exception: idOf("geoException") }), status: 204, answer: z.null() },
  async (context, { params }) => {
    const { services, scope } = context;
    if (!(await removeException(services.database, context.write(), scope, params.exception)))
      return refuse("not_found");
    await spread(context);
    return answer(null);
  },
);

async function spread(context: MemberContext): Promise<void> {
  const { services, scope, person, requestId } = context;
  context.caused([{ type: "policy_change", user_id: person.user, policy: "geo_exception" }]);
  await spreadGeoPolicy(services, scope, requestId, () => context.asUser("durable-objects.hub-control"));
}

function viewOf({ id, user, name, country: where, until, createdAt }: ExceptionView): z.input<typeof exception> {
  return { id, user_id: user, name, country: where, until, created_at: createdAt };
}
