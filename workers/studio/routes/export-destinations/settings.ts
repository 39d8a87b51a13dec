import { putApprovalRows, readApprovalRows } from "../../../../store/control/export-settings.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { exportSettings } from "./schemas.ts";

export const getExportSettings = defineRoute(
  "getExportSettings",
  { caller: "member", status: 200, answer: exportSettings },
  async ({ services, scope }) => answer({ approval_rows: await readApprovalRows(services.database, scope) }),
);

/** A lower limit counts from the next export on; those that are under way were allowed. */
export const putExportSettings = defineRoute(
  "putExportSettings",
  { caller: "member", body: exportSettings, status: 200, answer: exportSettings },
  async (context, { body: { approval_rows: rows } }) => {
    const { services, scope, person } = context;
    await putApprovalRows(services.database, context.write(), scope, { rows, user: person.user });
    context.caused([{ type: "policy_change", user_id: person.user, policy: "export_approval" }]);
    return answer({ approval_rows: rows });
  },
);
