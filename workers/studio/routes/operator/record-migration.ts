import { z } from "@hono/zod-openapi";
import { migrationActions } from "../../../../core/audit/vocabulary.ts";
import { findOverview } from "../../../../store/control/lifecycle.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { nothing, orgReference } from "../../http/schemas.ts";
import { recordForOrganisation } from "../../lifecycle/record-change.ts";

/** Migrations' files are numbered with four digits. */
const numberMax = 9999;

/** The work is the operator's own, with the database's owner; what a log can hold of it is that it was said. */
export const recordMigration = defineRoute(
  "recordMigration",
  {
    caller: "operator",
    params: z.strictObject({ target: orgReference }),
    body: z.strictObject({
      from_version: z.int().min(0).max(numberMax),
      to_version: z.int().min(1).max(numberMax),
      action: z.enum(migrationActions),
    }),
    status: 204,
    answer: nothing,
  },
  async (context, { params, body }) => {
    const found = await findOverview(context.services.database, context.platform, params.target);
    if (found === null) return refuse("not_found");
    const { org } = found;
    await recordForOrganisation(context, org, { type: "migration", user_id: null, org_id: org, ...body });
    return answer(null);
  },
);
