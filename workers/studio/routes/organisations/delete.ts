import { z } from "@hono/zod-openapi";
import { orgStates } from "../../../../core/tenancy/org-state.ts";
import { requestDeletion, undoDeletion } from "../../../../store/control/lifecycle.ts";
import { afterAnswer } from "../../after-answer.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idText, instant } from "../../http/schemas.ts";
import { mailOwners } from "../../lifecycle/mail-owners.ts";
import { recordOrgChange } from "../../lifecycle/record-change.ts";
import { tellStanding } from "../../lifecycle/tell-standing.ts";

const view = z.object({ id: idText, state: z.enum(orgStates), delete_after: instant.nullable() });

/**
 * Shuts the organisation and lets the grace run. The slug is typed, so that nobody deletes the one that
 * happened to be open; the proof of the person and the owner's role are the route's own.
 */
export const deleteOrg = defineRoute(
  "deleteOrg",
  { caller: "member", body: z.strictObject({ slug: z.string().max(40) }), status: 202, answer: view },
  async (context, { body }) => {
    const { services, scope, membership, person } = context;
    const { org, slug } = membership;
    if (body.slug !== slug) {
      return refuse("invalid_request", { errors: [{ path: "slug", message: "must be the organisation's own slug" }] });
    }
    const { changed, now } = await requestDeletion(services.database, context.write(), scope, person.user);
    if (changed) await recordOrgChange(context, { org, by: person.user, action: "deletion_requested" });
    const found = await tellStanding(services, scope, context.requestId, now);
    afterAnswer(context, "mailOwners", mailOwners(services, scope));
    if (found === null) return refuse("not_found");
    return answer({ id: org, state: found.state, delete_after: found.deleteAfter });
  },
);

/** Takes it back, as long as the grace runs. What the operator has suspended stays shut. */
export const restoreOrg = defineRoute(
  "restoreOrg",
  { caller: "member", status: 200, answer: view },
  async (context) => {
    const { services, scope, membership, person } = context;
    const { org } = membership;
    const { changed, now } = await undoDeletion(services.database, context.write(), scope, person.user);
    if (changed) await recordOrgChange(context, { org, by: person.user, action: "deletion_undone" });
    const found = await tellStanding(services, scope, context.requestId, now);
    if (found?.state === "active") return answer({ id: org, state: found.state, delete_after: null });
    if (found !== null && found.suspendedAt !== null) return refuse("org_suspended");
    return refuse("conflict", { detail: "The deletion has begun and can't be taken back" });
  },
);
