import type { RouteDefinition } from "../http/define-route.ts";
import { createApiKey } from "./api-keys/create.ts";
import { listApiKeys } from "./api-keys/list.ts";
import { revokeApiKey } from "./api-keys/revoke.ts";
import { listAudit } from "./audit/list.ts";
import { login, orgLogin } from "./auth/login.ts";
import { logout, orgLogout } from "./auth/logout.ts";
import { orgRefresh, refresh } from "./auth/refresh.ts";
import { register } from "./auth/register.ts";
import { verifyEmail } from "./auth/verify-email.ts";
import { listDevices } from "./devices/list.ts";
import { listCommands } from "./devices/list-commands.ts";
import { removeDevice } from "./devices/remove.ts";
import { renameDevice } from "./devices/rename.ts";
import { rotateDeviceToken } from "./devices/rotate-token.ts";
import { sendCommand } from "./devices/send-command.ts";
import { getDevice } from "./devices/show.ts";
import { telemetry } from "./devices/telemetry.ts";
import { openapiRoute } from "./documentation/openapi.ts";
import { createEnrollmentCode } from "./enrollment/create-code.ts";
import { enroll, orgEnroll } from "./enrollment/enroll.ts";
import { listEnrollmentCodes } from "./enrollment/list-codes.ts";
import { revokeEnrollmentCode } from "./enrollment/revoke-code.ts";
import { addGroupDevice } from "./groups/add-device.ts";
import { addGroupMember } from "./groups/add-member.ts";
import { createGroup } from "./groups/create.ts";
import { listGroups } from "./groups/list.ts";
import { removeGroup } from "./groups/remove.ts";
import { removeGroupDevice } from "./groups/remove-device.ts";
import { removeGroupMember } from "./groups/remove-member.ts";
import { renameGroup } from "./groups/rename.ts";
import { getGroup } from "./groups/show.ts";
import { ready } from "./health/ready.ts";
import { acceptInvitation } from "./invitations/accept.ts";
import { createInvitation } from "./invitations/create.ts";
import { listInvitations } from "./invitations/list.ts";
import { revokeInvitation } from "./invitations/revoke.ts";
import { endOtherSessions } from "./me/end-other-sessions.ts";
import { endMySession } from "./me/end-session.ts";
import { mySessions } from "./me/list-sessions.ts";
import { me } from "./me/show.ts";
import { changeMember } from "./members/change.ts";
import { endMemberSessions } from "./members/end-sessions.ts";
import { listMembers } from "./members/list.ts";
import { removeMember } from "./members/remove.ts";
import { rotateKeys } from "./operator/rotate-keys.ts";
import { createOrg } from "./organisations/create.ts";
import { getOrg } from "./organisations/show.ts";
import { putPolicy } from "./policies/replace.ts";
import { getPolicy } from "./policies/show.ts";

/** Every route that studio serves. `assertRoutes` holds it against the route table. */
export function allDefinitions(openApiDocument: () => object): RouteDefinition[] {
  return [
    openapiRoute(openApiDocument),
    createApiKey,
    listApiKeys,
    revokeApiKey,
    listAudit,
    login,
    orgLogin,
    logout,
    orgLogout,
    refresh,
    orgRefresh,
    register,
    verifyEmail,
    listCommands,
    listDevices,
    removeDevice,
    renameDevice,
    rotateDeviceToken,
    sendCommand,
    getDevice,
    telemetry,
    createEnrollmentCode,
    enroll,
    orgEnroll,
    listEnrollmentCodes,
    revokeEnrollmentCode,
    addGroupDevice,
    addGroupMember,
    createGroup,
    listGroups,
    removeGroupDevice,
    removeGroupMember,
    removeGroup,
    renameGroup,
    getGroup,
    ready,
    acceptInvitation,
    createInvitation,
    listInvitations,
    revokeInvitation,
    endMySession,
    endOtherSessions,
    mySessions,
    me,
    changeMember,
    endMemberSessions,
    listMembers,
    removeMember,
    createOrg,
    getOrg,
    putPolicy,
    getPolicy,
    rotateKeys,
  ];
}
