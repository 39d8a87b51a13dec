import { currentStanding } from "../../../../store/control/members.ts";
import { answerFromDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { refuse } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";
import { groupMemberParams } from "./schemas.ts";

/** Only the control plane knows who is a member; the tenant's schema takes its word. */
export const addGroupMember = defineRoute(
  "addGroupMember",
  { caller: "member", params: groupMemberParams, status: 204, answer: nothing },
  async (context, { params }) => {
    const { services, scope } = context;
    const { member } = await currentStanding(services.database, scope, params.user);
    if (!member) return refuse("not_found");
    return answerFromDevices(
      context,
      (devices, call) => devices.setGroupMember(call, params.group, params.user, true),
      () => null,
    );
  },
);
