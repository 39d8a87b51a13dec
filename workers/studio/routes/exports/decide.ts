import { mayDecide } from "../../../../core/exports/approval.ts";
import type { ExportId } from "../../../../core/ids.ts";
import { approveExport as agree, findExport, rejectExport as reject } from "../../../../store/control/exports.ts";
import { enqueueExport } from "../../exports/enqueue.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, type Refusal, refuse } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { exportParams } from "./schemas.ts";

/** Two people decide on what leaves in bulk, and neither alone: the statement that decides says so as well. */
export const approveExport = defineRoute(
  "approveExport",
  { caller: "member", params: exportParams, status: 204, answer: nothing },
  async (context, { params: { export_id: id } }) => {
    const done = await decide(context, id, agree);
    // A message that is lost here the clock sends again.
    if (done.kind === "answer") await enqueueExport(context.services, id);
    return done;
  },
);

export const rejectExport = defineRoute(
  "rejectExport",
  { caller: "member", params: exportParams, status: 204, answer: nothing },
  (context, { params: { export_id: id } }) => decide(context, id, reject),
);

async function decide(context: MemberContext, id: ExportId, how: typeof agree): Promise<HandlerResult<null>> {
  const { services, scope, person, membership } = context;
  const found = await findExport(services.database, scope, id, null);
  if (found === null) return refuse("not_found");
  const decider = { user: person.user, role: membership.role };
  // A program speaks for whoever made its key, and is no second person.
  const second =
    person.kind !== "api_key" && mayDecide(decider, { user: found.requestedBy, role: found.requestedRole });
  if (!second) return refuse("forbidden");
  if (!(await how(services.database, context.write(), scope, id, person.user))) return over;
  context.caused([{ type: "policy_change", user_id: person.user, policy: "export_decision" }]);
  return answer(null);
}

const over: Refusal = refuse("conflict", { detail: "The export waits for nobody any more" });
