import { z } from "@hono/zod-openapi";
import { renameOrganisation } from "../../../../store/control/organisations.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { recordOrgChange } from "../../lifecycle/record-change.ts";
import { organisationName, organisationWithState } from "./schemas.ts";

/**
 * Gives the organisation another name. The slug stays: enrolment codes begin with it and agents keep it in their
 * addresses. The name that was and the name that is are nobody's to read in the log, which keeps codes and no prose.
 */
export const renameOrg = defineRoute(
  "renameOrg",
  { caller: "member", body: z.strictObject({ name: organisationName }), status: 200, answer: organisationWithState },
  async (context, { body }) => {
    const { services, scope, membership, person } = context;
    const { org, slug, createdAt, role, state, deleteAfter } = membership;
    const changed = await renameOrganisation(services.database, context.write(), scope, body.name);
    if (changed) await recordOrgChange(context, { org, by: person.user, action: "renamed" });
    return answer({ id: org, slug, name: body.name, created_at: createdAt, role, state, delete_after: deleteAfter });
  },
);
