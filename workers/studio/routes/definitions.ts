import type { RouteDefinition } from "../http/define-route.ts";
import { createApiKey } from "./api-keys/create.ts";
import { listApiKeys } from "./api-keys/list.ts";
import { revokeApiKey } from "./api-keys/revoke.ts";
import { auditActivity } from "./audit/activity.ts";
import { getAuditAlerts, putAuditAlerts } from "./audit/alerts/settings.ts";
import { auditCheckpoint } from "./audit/checkpoint.ts";
import { auditStatus } from "./audit/checkpoint-status.ts";
import { auditConsistency } from "./audit/consistency.ts";
import { eraseAuditSubject } from "./audit/erase-subject.ts";
import { exportAudit } from "./audit/export.ts";
import { listAudit } from "./audit/list.ts";
import { auditProof } from "./audit/proof.ts";
import { resendAuditStream, resumeAuditStream } from "./audit/stream/go-on.ts";
import { putAuditStream } from "./audit/stream/put.ts";
import { removeAuditStream } from "./audit/stream/remove.ts";
import { rotateAuditStreamSecret } from "./audit/stream/rotate-secret.ts";
import { getAuditStream } from "./audit/stream/show.ts";
import { testAuditStream } from "./audit/stream/test.ts";
import { auditEntries, auditTile } from "./audit/tiles.ts";
import { addWitness } from "./audit/witnesses/add.ts";
import { witnessCheckpoint } from "./audit/witnesses/checkpoint.ts";
import { cosignCheckpoint } from "./audit/witnesses/cosign.ts";
import { listWitnesses } from "./audit/witnesses/list.ts";
import { removeWitness } from "./audit/witnesses/remove.ts";
import { confirmEmail, orgConfirmEmail } from "./auth/confirm-email.ts";
import { forgotPassword, orgForgotPassword } from "./auth/forgot-password.ts";
import { login, orgLogin } from "./auth/login.ts";
import { loginMfa, orgLoginMfa } from "./auth/login-mfa.ts";
import { logout, orgLogout } from "./auth/logout.ts";
import { loginMfaPasskeyOptions, orgLoginMfaPasskeyOptions } from "./auth/passkey-second-step.ts";
import {
  orgPasskeySignIn,
  orgPasskeySignInOptions,
  passkeySignIn,
  passkeySignInOptions,
} from "./auth/passkey-sign-in.ts";
import { orgRefresh, refresh } from "./auth/refresh.ts";
import { register } from "./auth/register.ts";
import { orgResetPassword, resetPassword } from "./auth/reset-password.ts";
import { verifyEmail } from "./auth/verify-email.ts";
import { backendCalls } from "./backends/call.ts";
import { listBackends } from "./backends/list.ts";
import { listBackups } from "./backups/list.ts";
import { createBackup, listBackupRuns } from "./backups/runs.ts";
import { putBillingDetails } from "./billing/details.ts";
import { takePaymentEvent } from "./billing/payment-events.ts";
import { changePlan } from "./billing/plan.ts";
import { openBillingPortal } from "./billing/portal.ts";
import { getBilling } from "./billing/show.ts";
import { listDevices } from "./devices/list.ts";
import { listCommands } from "./devices/list-commands.ts";
import { removeDevice } from "./devices/remove.ts";
import { renameDevice } from "./devices/rename.ts";
import { rotateDeviceToken } from "./devices/rotate-token.ts";
import { sendCommand } from "./devices/send-command.ts";
import { getDevice } from "./devices/show.ts";
import { telemetry } from "./devices/telemetry.ts";
import { openapiRoute } from "./documentation/openapi.ts";
import { createDocument, createDocumentVersion } from "./documents/begin.ts";
import { getDocumentContent } from "./documents/content.ts";
import { listDocuments } from "./documents/list.ts";
import {
  getDocument,
  listDocumentVersions,
  removeDocument,
  renameDocument,
  restoreDocument,
} from "./documents/metadata.ts";
import { addDocumentShare, listDocumentShares, removeDocumentShare } from "./documents/shares.ts";
import { createDocumentTicket, redeemDocumentTicket } from "./documents/tickets.ts";
import { cancelUpload, completeUpload, getUpload, putUploadPart } from "./documents/upload.ts";
import { getEncryption, putEncryption, verifyEncryption } from "./encryption/keeper.ts";
import { operatorRewrapDataKeys, operatorRotateDataKey } from "./encryption/operate.ts";
import { createEnrollmentCode } from "./enrollment/create-code.ts";
import { enroll, orgEnroll } from "./enrollment/enroll.ts";
import { listEnrollmentCodes } from "./enrollment/list-codes.ts";
import { openRollout } from "./enrollment/open-rollout.ts";
import { revokeEnrollmentCode } from "./enrollment/revoke-code.ts";
import {
  addExportDestination,
  changeExportDestination,
  listExportDestinations,
  removeExportDestination,
  testExportDestination,
} from "./export-destinations/manage.ts";
import { getExportSettings, putExportSettings } from "./export-destinations/settings.ts";
import { createExport } from "./exports/create.ts";
import { approveExport, rejectExport } from "./exports/decide.ts";
import { createExportTicket, downloadExport, redeemExportTicket } from "./exports/download.ts";
import { cancelExport, getExport, listExports } from "./exports/read.ts";
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
import { chatCompletion } from "./llm/chat.ts";
import { createEmbeddings } from "./llm/embeddings.ts";
import { explainAudit } from "./llm/explaining/audit.ts";
import { explainDevice } from "./llm/explaining/device.ts";
import { getLlmKey, putLlmKey, revokeLlmKey } from "./llm/keys.ts";
import { llmModels } from "./llm/models.ts";
import { addLlmProvider, changeLlmProvider, listLlmProviders, removeLlmProvider } from "./llm/providers.ts";
import { llmUsage } from "./llm/usage.ts";
import { changeEmail } from "./me/change-email.ts";
import { changePassword } from "./me/change-password.ts";
import { endOtherSessions } from "./me/end-other-sessions.ts";
import { endMySession } from "./me/end-session.ts";
import { mySessions } from "./me/list-sessions.ts";
import { listPasskeys, removePasskey, renamePasskey } from "./me/passkeys.ts";
import { addPasskey, passkeyRegistrationOptions } from "./me/passkeys-add.ts";
import { recoveryCodes, renewRecoveryCodes } from "./me/recovery-codes.ts";
import { security } from "./me/security.ts";
import { me } from "./me/show.ts";
import { stepUp, stepUpPasskeyOptions } from "./me/step-up.ts";
import { addTotp } from "./me/totp.ts";
import { confirmTotp } from "./me/totp-confirm.ts";
import { removeTotp } from "./me/totp-remove.ts";
import { changeMember } from "./members/change.ts";
import { endMemberSessions } from "./members/end-sessions.ts";
import { listMembers } from "./members/list.ts";
import { removeMember } from "./members/remove.ts";
import { eraseUser } from "./operator/erase-user.ts";
import { beginHubExport, endHubExport, readHubExport, reconcileHub, recordBackup } from "./operator/hub-backup.ts";
import { operatorListInvoices, operatorMarkPaid } from "./operator/invoices.ts";
import { operatorFinishMove, operatorGiveUpMove, operatorMove } from "./operator/moves.ts";
import {
  operatorDeleteOrg,
  operatorGetOrg,
  operatorRestoreOrg,
  operatorResumeOrg,
  operatorSetPlan,
  operatorSuspendOrg,
} from "./operator/organisations.ts";
import { openBackupKey, operatorListBackups, readBackup } from "./operator/platform-backups.ts";
import { recordMigration } from "./operator/record-migration.ts";
import { rotateKeys } from "./operator/rotate-keys.ts";
import { disableUser, enableUser } from "./operator/users.ts";
import { createOrg } from "./organisations/create.ts";
import { deleteOrg, restoreOrg } from "./organisations/delete.ts";
import { renameOrg } from "./organisations/rename.ts";
import { getOrg } from "./organisations/show.ts";
import { getUsage } from "./organisations/usage.ts";
import { outsideIssuerDefinitions } from "./outside-issuers.ts";
import { allowWaf } from "./policies/allow-waf.ts";
import { listBlocks } from "./policies/blocks.ts";
import { makeBreakGlass, showBreakGlass, useBreakGlass } from "./policies/break-glass.ts";
import { confirmGeo } from "./policies/confirm-geo.ts";
import { addGeoException, listGeoExceptions, removeGeoException } from "./policies/geo-exceptions.ts";
import { limitsInUse } from "./policies/limits-usage.ts";
import { putPolicy } from "./policies/replace.ts";
import { replayWaf } from "./policies/replay-waf.ts";
import { getPolicy } from "./policies/show.ts";
import { simulateGeo } from "./policies/simulate-geo.ts";
import { listWafDecisions } from "./policies/waf-decisions.ts";

const served: readonly RouteDefinition[] = [
  createApiKey,
  listApiKeys,
  revokeApiKey,
  ...outsideIssuerDefinitions,
  listAudit,
  auditStatus,
  auditActivity,
  auditCheckpoint,
  auditConsistency,
  auditProof,
  auditEntries,
  auditTile,
  eraseAuditSubject,
  exportAudit,
  getAuditAlerts,
  putAuditAlerts,
  getAuditStream,
  putAuditStream,
  removeAuditStream,
  rotateAuditStreamSecret,
  resumeAuditStream,
  resendAuditStream,
  listWitnesses,
  addWitness,
  removeWitness,
  witnessCheckpoint,
  cosignCheckpoint,
  login,
  orgLogin,
  loginMfa,
  orgLoginMfa,
  loginMfaPasskeyOptions,
  orgLoginMfaPasskeyOptions,
  passkeySignInOptions,
  orgPasskeySignInOptions,
  passkeySignIn,
  orgPasskeySignIn,
  logout,
  orgLogout,
  testAuditStream,
  refresh,
  orgRefresh,
  register,
  forgotPassword,
  orgForgotPassword,
  resetPassword,
  orgResetPassword,
  confirmEmail,
  orgConfirmEmail,
  changePassword,
  changeEmail,
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
  openRollout,
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
  getEncryption,
  putEncryption,
  verifyEncryption,
  operatorRotateDataKey,
  operatorRewrapDataKeys,
  acceptInvitation,
  createInvitation,
  listInvitations,
  revokeInvitation,
  endMySession,
  endOtherSessions,
  mySessions,
  me,
  security,
  stepUp,
  stepUpPasskeyOptions,
  addTotp,
  confirmTotp,
  removeTotp,
  passkeyRegistrationOptions,
  addPasskey,
  listPasskeys,
  renamePasskey,
  removePasskey,
  recoveryCodes,
  renewRecoveryCodes,
  changeMember,
  endMemberSessions,
  listMembers,
  removeMember,
  createOrg,
  getOrg,
  renameOrg,
  deleteOrg,
  restoreOrg,
  putPolicy,
  simulateGeo,
  confirmGeo,
  addGeoException,
  listGeoExceptions,
  removeGeoException,
  makeBreakGlass,
  showBreakGlass,
  useBreakGlass,
  replayWaf,
  listWafDecisions,
  listBlocks,
  allowWaf,
  getPolicy,
  rotateKeys,
  disableUser,
  enableUser,
  eraseUser,
  operatorGetOrg,
  beginHubExport,
  readHubExport,
  endHubExport,
  reconcileHub,
  recordBackup,
  recordMigration,
  listBackups,
  createBackup,
  listBackupRuns,
  operatorListBackups,
  readBackup,
  openBackupKey,
  operatorSuspendOrg,
  operatorResumeOrg,
  operatorDeleteOrg,
  operatorRestoreOrg,
  operatorSetPlan,
  operatorMove,
  operatorFinishMove,
  operatorGiveUpMove,
  getUsage,
  limitsInUse,
  listExportDestinations,
  addExportDestination,
  changeExportDestination,
  removeExportDestination,
  testExportDestination,
  getExportSettings,
  putExportSettings,
  listLlmProviders,
  addLlmProvider,
  changeLlmProvider,
  approveExport,
  rejectExport,
  removeLlmProvider,
  getLlmKey,
  putLlmKey,
  revokeLlmKey,
  llmUsage,
  listBackends,
  ...backendCalls,
  llmModels,
  explainDevice,
  explainAudit,
  getBilling,
  putBillingDetails,
  changePlan,
  openBillingPortal,
  operatorListInvoices,
  operatorMarkPaid,
  chatCompletion,
  createEmbeddings,
  takePaymentEvent,
  createDocument,
  createDocumentVersion,
  getDocumentContent,
  listDocuments,
  getDocument,
  listDocumentVersions,
  renameDocument,
  removeDocument,
  restoreDocument,
  createDocumentTicket,
  redeemDocumentTicket,
  addDocumentShare,
  listDocumentShares,
  removeDocumentShare,
  getUpload,
  putUploadPart,
  completeUpload,
  createExport,
  listExports,
  getExport,
  cancelExport,
  downloadExport,
  createExportTicket,
  redeemExportTicket,
  cancelUpload,
];

/** Every route that studio serves. `assertRoutes` holds it against the route table. */
export function allDefinitions(openApiDocument: () => object): RouteDefinition[] {
  return [openapiRoute(openApiDocument), ...served];
}
