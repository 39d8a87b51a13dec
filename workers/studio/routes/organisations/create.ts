import { z } from "@hono/zod-openapi";
import type { AuditFields } from "../../../../core/audit/events.ts";
import { activateOrganisation, claimOrganisation } from "../../../../store/control/organisations.ts";
import { foundingScope } from "../../../../store/control/scope-makers.ts";
import { tellOfEnded } from "../../auth/end-sockets.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { audited } from "../../pipeline/audit.ts";
import { syncMember, tellHub } from "../members/sync-member.ts";
import { publishPolicy, putPolicy } from "./publish-policy.ts";
import { organisation, organisationName, slug } from "./schemas.ts";

const owner = { role: "owner", member: true } as const;

/**
 * Row → schema and role → hub → policy → active. Each step can be done again, so the same person asking for
 * the same slug after a crash finishes what was begun; until the last step the organisation is not there. What
 * nobody comes back to for a day is taken away again, and its slug is free (lifecycle/erase.ts).
 */
export const createOrg = defineRoute(
  "createOrg",
  { caller: "person", body: z.strictObject({ name: organisationName, slug }), status: 201, answer: organisation },
  async (context, { body }) => {
    const { services, person, requestId } = context;
    const founding = foundingScope(services.makeId("org"));
    const wanted = { founding, slug: body.slug, name: body.name, owner: person.user };
    const claim = await claimOrganisation(services.database, context.write(), wanted);
    if (claim.kind === "slug_taken") return refuse("slug_taken");
    if (claim.kind === "too_many")
      return refuse("conflict", { detail: "You belong to as many organisations as one person can" });
    const { scope } = claim;
    const { org } = scope;

    const { placement } = await fromPart("provisioner", async () => {
      const call = await services.caller.asJob("data.provisioner", "provision", org, requestId);
      return services.provisioner.createTenant(call, org);
    });
    // The claim stays: the same person asking again, when there is room, finishes it.
    if (placement === null) return refuse("no_capacity", { committed: true });
    const joining = { user: person.user, session: person.session, scope: { org, role: "owner" as const } };
    await tellOfEnded(services, joining, claim.ended, requestId);
    await tellHub(context, scope, person.user, joining.scope, owner);
    await putPolicy(services, claim.policy.policy);
    const event: AuditFields = {
      type: "role_change",
      admin_id: person.user,
      target_user_id: person.user,
      old_role: null,
      new_role: "owner",
    };
    // The organisation's own log begins with its owner; this request's pair stands in a platform log.
    await audited(async () => {
      const call = await context.asUserOf({ org, role: "owner" }, "durable-objects.audit-intake");
      const created = {
        type: "org_change",
        user_id: person.user,
        org_id: org,
        action: "created",
        detail: null,
      } as const;
      await services.audit.append(call, org, [created, event]);
    });
    const now = await activateOrganisation(services.database, context.write(), scope, person.user);
    if (now === null)
      return refuse("unavailable", {
        detail: "The creation was given up; begin again in an hour or two",
        committed: true,
      });
    // Nobody but this person could change anything of it until now; what did change meanwhile is told again.
    const since = now.ended.filter((session) => !claim.ended.includes(session));
    await tellOfEnded(services, joining, since, requestId);
    if (now.standing.role !== owner.role) await syncMember(context, scope, person.user, joining.scope, now.standing);
    if (now.policyVersion !== claim.policy.version) await publishPolicy(services, scope);
    const view = { id: org, slug: body.slug, name: claim.name, created_at: claim.createdAt, role: "owner" as const };
    return answer(view, { headers: { Location: `/api/v1/orgs/${org}` } });
  },
);
