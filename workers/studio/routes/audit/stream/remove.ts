import { removeAuditStream as remove } from "../../../../../store/control/audit-streams.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer, refuse } from "../../../http/result.ts";
import { nothing } from "../../../http/schemas.ts";

export const removeAuditStream = defineRoute(
  "removeAuditStream",
  { caller: "member", status: 204, answer: nothing },
  async (context) => {
    const { services, scope, person } = context;
    if (!(await remove(services.database, context.write(), scope))) return refuse("not_found");
    context.caused([{ type: "policy_change", user_id: person.user, policy: "audit_stream" }]);
    return answer(null);
  },
);
