/**
 * What each write of studio leaves in audit logs when it succeeds, besides its own `api_call`: type and action (or
 * what stands for it), with `@org` where it is in the organisation's own log. A route without a line here has not
 * been thought about, and the walk over all routes fails.
 */
const signedIn = ["login success", "login success @org"];
const provider = (action: string, at: string): string[] => [
  `policy_change identity_provider${at}`,
  ...secret(action, at),
];
const secret = (action: string, at: string): string[] => (action === "" ? [] : [`key_change ${action}${at}`]);
const inBoth = (event: string): string[] => [event, `${event} @org`];
const nothing: readonly string[] = [];

export const leaves: Readonly<Record<string, readonly string[]>> = {
  // Nobody proved anything yet: a mail was sent, or an address confirmed that opens nothing by itself.
  register: nothing,
  verifyEmail: nothing,
  forgotPassword: nothing,
  orgForgotPassword: nothing,
  changeEmail: nothing,
  login: signedIn,
  orgLogin: signedIn,
  loginMfa: signedIn,
  orgLoginMfa: signedIn,
  // A challenge is asked for; what it is good for comes with the answer.
  loginMfaPasskeyOptions: nothing,
  orgLoginMfaPasskeyOptions: nothing,
  passkeySignInOptions: nothing,
  orgPasskeySignInOptions: nothing,
  stepUpPasskeyOptions: nothing,
  passkeyRegistrationOptions: nothing,
  addTotp: nothing,
  startOidc: nothing,
  orgStartOidc: nothing,
  passkeySignIn: signedIn,
  orgPasskeySignIn: signedIn,
  finishOidc: signedIn,
  orgFinishOidc: [...signedIn, "factor_change added", "role_change viewer", "role_change viewer @org"],
  exchangeToken: ["login success", "factor_change added"],
  orgExchangeToken: [...signedIn, "factor_change added", "role_change viewer", "role_change viewer @org"],
  // The session was there, and goes on.
  refresh: nothing,
  orgRefresh: nothing,
  stepUp: nothing,
  logout: ["session_end signed_out"],
  orgLogout: ["session_end signed_out"],
  endMySession: ["session_end by_owner"],
  endOtherSessions: ["session_end by_owner"],
  resetPassword: [...inBoth("factor_change reset"), "session_end factor_reset"],
  orgResetPassword: [...inBoth("factor_change reset"), "session_end factor_reset"],
  changePassword: [...inBoth("factor_change changed"), "session_end by_owner"],
  confirmEmail: inBoth("factor_change changed"),
  orgConfirmEmail: inBoth("factor_change changed"),
  // The factor, and the recovery codes that come with the first.
  confirmTotp: [...inBoth("factor_change added"), ...inBoth("factor_change added")],
  addPasskey: [...inBoth("factor_change added"), ...inBoth("factor_change added")],
  removeTotp: inBoth("factor_change removed"),
  removePasskey: inBoth("factor_change removed"),
  renamePasskey: nothing,
  renewRecoveryCodes: inBoth("factor_change changed"),
  linkIdentity: ["factor_change added", "role_change viewer", "role_change viewer @org"],
  removeIdentity: ["factor_change removed"],

  createOrg: ["org_change created @org", "role_change owner @org"],
  deleteOrg: ["org_change deletion_requested @org"],
  restoreOrg: ["org_change deletion_undone @org"],
  changeMember: ["role_change analyst @org"],
  removeMember: ["account_change disabled @org", "role_change none @org", "session_end removed @org"],
  endMemberSessions: ["session_end by_admin @org"],
  createInvitation: nothing,
  revokeInvitation: nothing,
  acceptInvitation: ["role_change viewer @org"],
  putPolicy: ["policy_change geo @org"],
  simulateGeo: nothing,
  replayWaf: nothing,
  allowWaf: ["policy_change waf_allowance @org"],
  confirmGeo: ["policy_change geo_confirmed @org"],
  addGeoException: ["policy_change geo_exception @org"],
  removeGeoException: ["policy_change geo_exception @org"],
  makeBreakGlass: ["policy_change geo_break_glass_made @org"],
  useBreakGlass: ["policy_change geo_break_glass_used @org"],
  createApiKey: ["key_change created @org"],
  revokeApiKey: ["key_change revoked @org"],
  createGroup: nothing,
  renameGroup: nothing,
  removeGroup: nothing,
  addGroupMember: nothing,
  removeGroupMember: nothing,
  addGroupDevice: nothing,
  removeGroupDevice: nothing,
  createEnrollmentCode: ["enrollment code_created @org"],
  revokeEnrollmentCode: ["enrollment code_revoked @org"],
  openRollout: ["enrollment rollout_opened @org"],
  enroll: ["enrollment enrolled @org"],
  orgEnroll: ["enrollment enrolled @org"],
  renameDevice: nothing,
  removeDevice: ["enrollment device_removed @org"],
  rotateDeviceToken: ["enrollment token_rotated @org"],
  sendCommand: ["device_command ping @org"],
  createDocument: ["data_access write @org"],
  createDocumentVersion: ["data_access write @org"],
  renameDocument: ["data_access write @org"],
  removeDocument: ["data_access delete @org"],
  restoreDocument: ["data_access write @org"],
  // That it may be read is no reading; the ticket's own holder is on record when it is shown.
  createDocumentTicket: nothing,
  createExport: ["export  @org"],
  cancelExport: nothing,
  // What leaves by it is on record when it leaves.
  createExportTicket: nothing,
  addDocumentShare: ["data_access write @org"],
  removeDocumentShare: ["data_access write @org"],
  completeUpload: ["data_access write @org"],
  cancelUpload: ["data_access delete @org"],
  // One event: what came of it.
  putUploadPart: nothing,
  putAuditAlerts: ["policy_change audit_alerts @org"],
  addLlmProvider: ["key_change created @org", "policy_change llm_provider @org"],
  changeLlmProvider: ["key_change rotated @org", "policy_change llm_provider @org"],
  removeLlmProvider: ["key_change revoked @org", "policy_change llm_provider @org"],
  addExportDestination: ["key_change created @org", "policy_change export_destination @org"],
  changeExportDestination: ["policy_change export_destination @org"],
  removeExportDestination: ["key_change revoked @org", "policy_change export_destination @org"],
  testExportDestination: nothing,
  putExportSettings: ["policy_change export_approval @org"],
  approveExport: ["policy_change export_decision @org"],
  rejectExport: ["policy_change export_decision @org"],
  // What a backend did is the backend's to record; here the request itself is on record.
  postToBackend: nothing,
  putToBackend: nothing,
  patchAtBackend: nothing,
  deleteAtBackend: nothing,
  chatCompletion: nothing,
  putAuditStream: ["policy_change audit_stream @org", "key_change created @org"],
  removeAuditStream: ["policy_change audit_stream @org"],
  rotateAuditStreamSecret: ["key_change rotated @org"],
  resumeAuditStream: nothing,
  resendAuditStream: nothing,
  addWitness: ["key_change created @org"],
  removeWitness: ["key_change revoked @org"],
  eraseAuditSubject: ["person_erased for good @org"],
  putEncryption: ["key_change rotated @org"],
  verifyEncryption: nothing,
  createIdentityProvider: provider("created", " @org"),
  changeIdentityProvider: provider("", " @org"),
  removeIdentityProvider: provider("", " @org"),
  addProviderSecret: secret("rotated", " @org"),
  retireProviderSecret: secret("revoked", " @org"),

  operatorRotateDataKey: inBoth("key_change rotated"),
  operatorRewrapDataKeys: inBoth("key_change rotated"),
  rotateKeys: ["key_change revoked", "key_change rotated"],
  testAuditStream: nothing,
  eraseUser: ["person_erased for good"],
  disableUser: [...inBoth("account_change disabled"), "session_end disabled"],
  enableUser: inBoth("account_change enabled"),
  operatorSuspendOrg: inBoth("org_change suspended"),
  operatorResumeOrg: inBoth("org_change resumed"),
  operatorDeleteOrg: inBoth("org_change deletion_requested"),
  operatorRestoreOrg: inBoth("org_change deletion_undone"),
  operatorSetPlan: inBoth("org_change plan_changed"),
  recordBackup: inBoth("backup backed_up"),
  recordMigration: inBoth("migration applied"),
  createBackup: ["backup requested @org"],
  openBackupKey: inBoth("backup opened"),
  // Pages of one backup or restore, which is on record itself.
  beginHubExport: nothing,
  endHubExport: nothing,
  reconcileHub: nothing,
  createPlatformProvider: provider("created", ""),
  changePlatformProvider: provider("", ""),
  removePlatformProvider: provider("", ""),
  addPlatformProviderSecret: secret("rotated", ""),
  retirePlatformProviderSecret: secret("revoked", ""),
};

/**
 * A witness has a token of its own and comes every minute: its visits are shown by audit-witnesses.test.ts, which
 * has its keys. A move between placements goes through states that its own tests make.
 */
export const walkedElsewhere: readonly string[] = [
  ...["witnessCheckpoint", "cosignCheckpoint", "removeWitness"],
  // The answer is a stream, and the ticket another's: test/postgres/studio/documents.test.ts.
  "redeemDocumentTicket",
  // As that: test/postgres/exports/inventory.test.ts.
  "redeemExportTicket",
  // Signed by the payment provider alone: test/postgres/studio/payment-events.test.ts.
  "takePaymentEvent",
  ...["operatorMove", "operatorGiveUpMove", "operatorFinishMove"],
];

/** Writes that leave one event, with what came of it, and no intent (`inOneEvent` of their definitions says why). */
export const inOneEvent: readonly string[] = ["putUploadPart"];
