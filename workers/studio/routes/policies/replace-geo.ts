import type { z } from "@hono/zod-openapi";
import { type GeoPolicy, surfacesAt } from "../../../../core/tenancy/geo-policy.ts";
import { replaceGeoRules } from "../../../../store/control/geo-policies.ts";
import { beforeChange, confirmationOf, isEmpty, lockoutOf, lockoutView } from "../../geo/lockout.ts";
import { spreadGeoPolicy } from "../../geo/tell-hub.ts";
import { fieldErrors } from "../../http/field-errors.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { type geoAnswer, geoChange, geoView, surfacesOf } from "./geo-schemas.ts";

/** A change that shuts somebody out goes back after this, unless whoever made it can still say that it is right. */
const revertMinutesDefault = 10;

/**
 * Replaces the organisation's geo rules. Nobody locks themselves or others out unawares: whom the new rules refuse
 * that the old ones take, of those who were here in the last seven days, is shown first and must be confirmed with
 * the list's own hash; and the change then goes back by itself unless it is confirmed again from within it.
 */
export async function replaceGeoPolicy(
  context: MemberContext,
  given: Readonly<Record<string, unknown>>,
): Promise<HandlerResult<z.input<typeof geoAnswer>>> {
  const { services, scope, person } = context;
  const parsed = geoChange.safeParse(given);
  if (!parsed.success) return refuse("invalid_request", { errors: fieldErrors(parsed.error) });
  const found = await beforeChange(context);
  if (found === null) return refuse("not_found");
  const { stored, active } = found;
  const before = stored.policy.geo;
  const surfaces = surfacesOf(parsed.data);
  const after: GeoPolicy = { ...before, surfaces, revert: null };
  const lockout = await lockoutOf(context, active, before, after);
  const harmless = isEmpty(lockout);
  const confirm = confirmationOf(scope.org, stored.version, surfaces, lockout);
  if (!harmless && parsed.data.confirm !== confirm) {
    return refuse("confirmation_needed", { extensions: { confirm, lockout: lockoutView(lockout) } });
  }
  const nowMs = services.now();
  const minutes = parsed.data.revert_after_minutes ?? null;
  const wanted = parsed.data.revert_after_minutes === undefined && !harmless ? revertMinutesDefault : minutes;
  const revertAtMs = wanted === null ? null : nowMs + wanted * 60_000;
  const confirmed = before.revert?.surfaces ?? surfacesAt(before, nowMs);
  const change = { user: person.user, version: stored.version, surfaces, confirmed, revertAtMs };
  const replaced = await replaceGeoRules(services.database, context.write(), scope, change);
  if (replaced === null) {
    return refuse("conflict", { detail: "Somebody changed the policy meanwhile: look at it and try again." });
  }
  context.caused([{ type: "policy_change", user_id: person.user, policy: "geo" }]);
  const asUser = () => context.asUser("durable-objects.hub-control");
  await spreadGeoPolicy(services, scope, context.requestId, asUser, replaced);
  const revert = revertAtMs === null ? null : { atMs: revertAtMs, surfaces: confirmed };
  return answer(geoView({ ...after, revert }, nowMs));
}
