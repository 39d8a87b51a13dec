import { z } from "@hono/zod-openapi";
import type { OrgAction } from "../../../../core/audit/vocabulary.ts";
import { orgStates } from "../../../../core/tenancy/org-state.ts";
import { plans } from "../../../../core/tenancy/plan.ts";
import {
  findOverview,
  type OrgNow,
  type OrgOverview,
  requestDeletion,
  setSuspended,
  undoDeletion,
} from "../../../../store/control/lifecycle.ts";
import type { OrgScope } from "../../../../store/control/org-scope.ts";
import { setPlan } from "../../../../store/control/quotas.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { idText, instant, orgReference } from "../../http/schemas.ts";
import { recordOrgChange } from "../../lifecycle/record-change.ts";
import { tellStanding } from "../../lifecycle/tell-standing.ts";
import type { OperatorContext } from "../../pipeline/request-context.ts";

/** Not `{org}`: the operator is judged by the platform's geo policy, whatever the organisation's says. */
const params = z.strictObject({ target: orgReference });
const view = z.object({
  id: idText,
  slug: z.string(),
  name: z.string(),
  state: z.enum(orgStates),
  suspended_at: instant.nullable(),
  delete_after: instant.nullable(),
  created_at: instant,
});
type View = z.input<typeof view>;
const shape = { caller: "operator", params, status: 200, answer: view } as const;

export const operatorGetOrg = defineRoute("operatorGetOrg", shape, async (context, { params: { target } }) =>
  answerWith(await findOverview(context.services.database, context.platform, target)),
);

export const operatorSuspendOrg = defineRoute("operatorSuspendOrg", shape, (context, { params: { target } }) =>
  suspend(context, target, true),
);
export const operatorResumeOrg = defineRoute("operatorResumeOrg", shape, (context, { params: { target } }) =>
  suspend(context, target, false),
);

/** What it has over the new plan stays; it gets no more. */
export const operatorSetPlan = defineRoute(
  "operatorSetPlan",
  { ...shape, body: z.strictObject({ plan: z.enum(plans) }) },
  async (context, { params: { target }, body: { plan } }) => {
    const found = await setPlan(context.services.database, context.write(), context.platform, target, plan);
    if (found === null) return refuse("not_found");
    return finish(context, found.scope, found.changed ? "plan_changed" : null, { detail: plan });
  },
);

async function suspend(context: OperatorContext, target: string, suspended: boolean): Promise<HandlerResult<View>> {
  const found = await setSuspended(context.services.database, context.write(), context.platform, target, suspended);
  if (found === null) return refuse("not_found");
  return finish(context, found.scope, found.changed ? (suspended ? "suspended" : "resumed") : null);
}

export const operatorDeleteOrg = defineRoute("operatorDeleteOrg", shape, (context, { params: { target } }) =>
  change(context, target, "deletion_requested"),
);
export const operatorRestoreOrg = defineRoute("operatorRestoreOrg", shape, (context, { params: { target } }) =>
  change(context, target, "deletion_undone"),
);

async function change(
  context: OperatorContext,
  target: string,
  action: "deletion_requested" | "deletion_undone",
): Promise<HandlerResult<View>> {
  const { database } = context.services;
  const found = await findOverview(database, context.platform, target);
  if (found === null) return refuse("not_found");
  const deletes = action === "deletion_requested";
  const work = deletes ? requestDeletion : undoDeletion;
  const { changed, now } = await work(database, context.write(), found.scope, null);
  // Asked again: what was cut short is finished below. Nothing to undo, or too late for it, is said.
  if (!changed && !deletes && found.state === "deleting") return refuse("conflict", { detail: "It has begun" });
  return finish(context, found.scope, changed ? action : null, { now });
}

/** Asking again tells those that were away; it is in the logs once. */
async function finish(
  context: OperatorContext,
  scope: OrgScope,
  action: OrgAction | null,
  { detail, now }: { readonly detail?: string; readonly now?: OrgNow | null } = {},
): Promise<HandlerResult<View>> {
  const change = { org: scope.org, by: null, ...(detail === undefined ? {} : { detail }) };
  if (action !== null) await recordOrgChange(context, { ...change, action });
  return answerWith(await tellStanding(context.services, scope, context.requestId, now));
}

function answerWith(found: OrgOverview | null): HandlerResult<View> {
  if (found === null) return refuse("not_found");
  const { org: id, slug, name, state, suspendedAt, deleteAfter, createdAt } = found;
  return answer({ id, slug, name, state, suspended_at: suspendedAt, delete_after: deleteAfter, created_at: createdAt });
}
