import { z } from "@hono/zod-openapi";
import { breakGlass, breakGlassState, putBreakGlassCode } from "../../../../store/control/geo-break-glass.ts";
import { findOrganisation } from "../../../../store/control/organisations.ts";
import { afterAnswer } from "../../after-answer.ts";
import { breakGlassHash, breakGlassTextMax, makeBreakGlassCode } from "../../geo/break-glass-code.ts";
import { hubCallWithoutUser, spreadGeoPolicy } from "../../geo/tell-hub.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { instant } from "../../http/schemas.ts";
import { glassBrokenMail } from "../../mail/geo-messages.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";

/** How long the dashboard stays open to the country that the code came from, in milliseconds. */
const openedMs = 24 * 3600_000;

/** Makes the organisation's one code, in place of any earlier one. Shown once, to be printed and locked away. */
export const makeBreakGlass = defineRoute(
  "makeBreakGlass",
  { caller: "member", status: 201, answer: z.object({ code: z.string() }) },
  async (context) => {
    const { services, scope, person } = context;
    const { code, hash } = makeBreakGlassCode(services.randomBytes);
    const made = { by: person.user, codeHash: hash };
    await putBreakGlassCode(services.database, context.write(), scope, made);
    context.caused([{ type: "policy_change", user_id: person.user, policy: "geo_break_glass_made" }]);
    return answer({ code });
  },
);

export const showBreakGlass = defineRoute(
  "showBreakGlass",
  { caller: "member", status: 200, answer: z.object({ created_at: instant.nullable(), used_at: instant.nullable() }) },
  async ({ services, scope }) => {
    const { createdAt, usedAt } = await breakGlassState(services.database, scope);
    return answer({ created_at: createdAt, used_at: usedAt });
  },
);

/**
 * Opens the dashboard of an organisation to the country that the right code came from, for a day: for whoever is
 * locked out by its own policy. It signs nobody in. The answer is the same for a wrong code, a used one and an
 * unknown country, so that it says nothing to who guesses.
 */
export const useBreakGlass = defineRoute(
  "useBreakGlass",
  {
    caller: "anyone",
    body: z.strictObject({ code: z.string().max(breakGlassTextMax) }),
    status: 202,
    answer: z.null(),
    log: async ({ services, orgReference }) => (await addressed(services, orgReference))?.door.org ?? null,
  },
  async (context, { body }) => {
    const { services, geo, orgReference } = context;
    const found = await addressed(services, orgReference);
    const codeHash = breakGlassHash(body.code);
    const country = geo?.facts.country ?? null;
    if (found === null || codeHash === null || country === null) return answer(null);
    const { door, slug } = found;
    const untilMs = services.now() + openedMs;
    const opened = await breakGlass(services.database, context.write(), door, { codeHash, country, untilMs });
    if (opened === null) return answer(null);
    const { scope, owners } = opened;
    context.caused([{ type: "policy_change", user_id: null, policy: "geo_break_glass_used" }]);
    const { requestId } = context;
    await spreadGeoPolicy(services, scope, requestId, () => hubCallWithoutUser(services, scope.org, requestId));
    const about = { slug, country, ip: context.clientIp, at: new Date(services.now()) };
    const mails = owners.map((to) => services.sendMail(glassBrokenMail(to, services.publicUrl, about)));
    afterAnswer(context, "tellOwners", Promise.all(mails));
    return answer(null);
  },
);

function addressed(services: RequestContext["services"], reference: string | null) {
  return reference === null ? Promise.resolve(null) : findOrganisation(services.database, reference);
}
