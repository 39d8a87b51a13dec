import { createHash } from "node:crypto";
import { formatVerifier, signatureTypes } from "../../core/audit/signed-note.ts";
import { makeId } from "../../core/ids.ts";
import { type RouteSpec, routes } from "../../core/routes.ts";

export type AnyRoute = readonly [name: string, route: RouteSpec];
export const allRoutes: readonly AnyRoute[] = Object.entries(routes as Record<string, RouteSpec>);

/** Values of path parameters by name. */
export type Params = Readonly<Record<string, string>>;

const tomorrow = new Date(Date.now() + 24 * 3600_000).toISOString();
/** An answer of an authenticator in shape, and nobody's. */
const credential = { id: "AAAA", rawId: "AAAA", type: "public-key", clientExtensionResults: {} };
const assertion = { ...credential, response: { clientDataJSON: "AAAA", authenticatorData: "AAAA", signature: "AAAA" } };
const attestation = { ...credential, response: { clientDataJSON: "AAAA", attestationObject: "AAAA" } };
const password = "quiet otters climb marble stairs 4";
const login = { email: "nobody@people.test", password };
const token = { token: "x".repeat(43) };
const challenge = "x".repeat(43);
const supabase = (project: string) => ({
  kind: "supabase",
  name: "Supabase",
  // Of the one kind whose issuer is asked nothing.
  issuer: `https://${project}.supabase.co/auth/v1`,
  signing: "hs256",
  client_secret: "s".repeat(64),
});

/** A witness's key of its own name; nobody has its private half. */
export function witnessKeyNamed(name: string): string {
  const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
    new Uint8Array(createHash("sha256").update(Buffer.concat(parts)).digest());
  return formatVerifier({ name, type: signatureTypes.cosignature, publicKey: new Uint8Array(32).fill(7) }, sha256);
}
const witnessToken = `swt_${"x".repeat(43)}`;

/** A body that each route takes, so that no refusal can be about its shape; null: it takes none. */
/** A provider of language models, at a host that the platform lists and nobody asks. */
export const llmProvider = (name: string): object => ({
  name,
  base_url: "https://api.openai.com/v1",
  models: [{ name: "big", input_micros_per_million: 150_000, output_micros_per_million: 600_000 }],
  roles: ["owner"],
  monthly_budget_micros: 1_000_000,
  key: "sk-of-nobody-at-all",
});

/** A destination of exports, at a public name that nobody asks. */
export const exportWebhook = (name: string): object => ({ kind: "webhook", name, url: "https://hook.school.test/in" });

const bodies: Readonly<Record<string, unknown>> = {
  register: { email: "new@people.test", password, name: "New" },
  verifyEmail: token,
  login,
  orgLogin: login,
  forgotPassword: { email: login.email },
  orgForgotPassword: { email: login.email },
  resetPassword: { ...token, password },
  orgResetPassword: { ...token, password },
  confirmEmail: token,
  orgConfirmEmail: token,
  refresh: { refresh_token: "x".repeat(43) },
  orgRefresh: { refresh_token: "x".repeat(43) },
  logout: null,
  orgLogout: null,
  loginMfa: { challenge, otp: "000000" },
  orgLoginMfa: { challenge, otp: "000000" },
  loginMfaPasskeyOptions: { challenge },
  orgLoginMfaPasskeyOptions: { challenge },
  passkeySignInOptions: null,
  orgPasskeySignInOptions: null,
  passkeySignIn: { ceremony: challenge, response: assertion },
  orgPasskeySignIn: { ceremony: challenge, response: assertion },
  startOidc: {},
  orgStartOidc: {},
  finishOidc: { code: "x", state: "x" },
  orgFinishOidc: { code: "x", state: "x" },
  exchangeToken: { access_token: "x.y.z" },
  orgExchangeToken: { access_token: "x.y.z" },
  stepUp: { password },
  stepUpPasskeyOptions: null,
  addTotp: null,
  confirmTotp: { code: "000000" },
  passkeyRegistrationOptions: null,
  addPasskey: { ceremony: challenge, response: attestation, name: "key" },
  renamePasskey: { name: "mine" },
  renewRecoveryCodes: null,
  changePassword: { current_password: password, new_password: `${password} 5` },
  changeEmail: { email: "other@people.test" },
  linkIdentity: { challenge },
  createOrg: { name: "Another", slug: `another-${crypto.randomUUID().slice(0, 8)}` },
  acceptInvitation: token,
  changeMember: { role: "viewer" },
  createInvitation: { email: "x@people.test", role: "viewer" },
  putPolicy: { countries: ["IN"], revert_after_minutes: 10 },
  simulateGeo: { countries: ["IN"] },
  confirmGeo: null,
  addGeoException: { country: "DE", until: new Date(Date.now() + 24 * 3600_000).toISOString() },
  makeBreakGlass: null,
  replayWaf: { mode: "log", sensitivity: "normal", overrides: {}, rules: [], allowances: [] },
  allowWaf: {
    endpoint: "POST /api/v1/orgs/{org}/groups",
    items: [{ rule: "sqli-comment", field: "body.name" }],
    until: tomorrow,
  },
  useBreakGlass: { code: "0000-0000-0000-0000-0000-0000-0000-0000" },
  createApiKey: { name: "mine now", role: "viewer", expires_at: tomorrow },
  putAuditAlerts: { mail: true },
  putAuditStream: { url: "https://siem.school.test/hook", format: "json" },
  rotateAuditStreamSecret: null,
  resumeAuditStream: null,
  resendAuditStream: null,
  testAuditStream: null,
  addWitness: { name: "mine now", key: witnessKeyNamed("school.test/witness") },
  witnessCheckpoint: { token: witnessToken, from: 0 },
  cosignCheckpoint: { token: witnessToken, size: 1, cosignature: "x" },
  createGroup: { name: "mine now" },
  renameGroup: { name: "mine still" },
  addGroupMember: null,
  addGroupDevice: null,
  createEnrollmentCode: { name: "x", max_uses: 1, expires_in_seconds: 600 },
  openRollout: { per_minute: 20, minutes: 5 },
  enroll: { code: "x", name: "pc", platform: "linux" },
  orgEnroll: { code: "x", name: "pc", platform: "linux" },
  renameDevice: { name: "mine now" },
  createDocument: { name: "mine now.txt", size_bytes: 3 },
  renameDocument: { name: "mine still.txt" },
  restoreDocument: null,
  createDocumentTicket: {},
  redeemDocumentTicket: { ticket: "x".repeat(43) },
  createExport: { source: "inventory", format: "csv" },
  createExportTicket: null,
  redeemExportTicket: { ticket: "x".repeat(43) },
  // Nobody has signed it.
  takePaymentEvent: null,
  addDocumentShare: { kind: "role", grantee: "viewer" },
  createDocumentVersion: { size_bytes: 3 },
  putUploadPart: null,
  completeUpload: null,
  addLlmProvider: llmProvider("mine now"),
  putLlmKey: { key: "sk-of-nobody-else" },
  changeLlmProvider: llmProvider("mine still"),
  addExportDestination: exportWebhook("mine now"),
  changeExportDestination: exportWebhook("mine still"),
  testExportDestination: null,
  putExportSettings: { approval_rows: 5000 },
  approveExport: null,
  rejectExport: null,
  explainDevice: { model: "small" },
  explainAudit: { kind: "audit_summary", model: "small" },
  postToBackend: {},
  putToBackend: {},
  patchAtBackend: {},
  createEmbeddings: { model: "small", input: "hello" },
  chatCompletion: { model: "small", messages: [{ role: "user", content: "hello" }] },
  rotateDeviceToken: null,
  sendCommand: { name: "ping", args: {} },
  createIdentityProvider: supabase("mnopqrst"),
  changeIdentityProvider: { name: "mine now" },
  addProviderSecret: { client_secret: "t".repeat(64) },
  putEncryption: { keeper: "sentinel" },
  verifyEncryption: null,
  operatorRotateDataKey: null,
  operatorRewrapDataKeys: null,
  rotateKeys: { purpose: "access", emergency: true },
  disableUser: { email: "nobody@people.test" },
  enableUser: { email: "nobody@people.test" },
  eraseUser: { user_id: makeId("user", Date.now(), new Uint8Array(10)) },
  operatorSuspendOrg: null,
  operatorResumeOrg: null,
  operatorDeleteOrg: null,
  operatorRestoreOrg: null,
  beginHubExport: null,
  endHubExport: { export: "01890a5d-ac96-774b-bcce-b302099a8057" },
  createBackup: null,
  openBackupKey: null,
  recordMigration: { from_version: 8, to_version: 9, action: "applied" },
  recordBackup: { action: "backed_up", backup: "bak_01jd3x2k8hf9v8v3k4m5n6p7q8" },
  reconcileHub: { devices: { after: null, until: null, items: [] } },
  restoreOrg: null,
  operatorSetPlan: { plan: "school" },
  // A step down from where nobody is: it changes nothing.
  changePlan: { plan: "free" },
  putBillingDetails: { name: "A school", address: "1 Lane\nPune", gstin: null, state: "27", currency: "INR" },
  openBillingPortal: null,
  operatorMarkPaid: { invoice: makeId("invoice", 0, new Uint8Array(10)), reference: "UTR1" },
  // Not to where a walk could go on: nothing may be written on the way.
  operatorMove: { placement: "nowhere" },
  operatorFinishMove: null,
  operatorGiveUpMove: null,
  // Nobody's: whoever may delete their organisation is told so, and keeps it for the rest of the walk.
  deleteOrg: { slug: "not-this-one" },
  renameOrg: { name: "Called otherwise" },
  createPlatformProvider: supabase("uvwxyzab"),
  changePlatformProvider: { name: "mine now" },
  addPlatformProviderSecret: { client_secret: "t".repeat(64) },
};

/** The provider that a test's own organisation has. */
export const ownProvider: unknown = supabase("abcdefgh");

/**
 * What the route is sent besides its path.
 * @throws Error for a new route that nobody has said it of yet
 */
export function bodyOf([name, { method }]: AnyRoute): unknown {
  if (method === "GET" || (method === "DELETE" && !Object.hasOwn(bodies, name))) return undefined;
  if (!Object.hasOwn(bodies, name)) {
    throw new Error(
      `the route ${name} is new here: add a body that it takes to \`bodies\` in test/e2e/support/route-inputs.ts, or null if it takes none`,
    );
  }
  return bodies[name] ?? undefined;
}

/** A backend that a walk's platform has registered (test/support/echo-backend.ts): the same for every organisation. */
const echoPlace: Params = { backend: "echo", rest: "things" };

/** An entry, a bundle and a tile of an audit log, and a part of an upload: they are called the same in every organisation. */
export const placesInLog: Params = { ...echoPlace, seq: "1", bundle: "000.p/1", tile: "0/000.p/1", part: "1" };

/**
 * The route's path with its parameters filled in.
 * @throws Error for a parameter that nobody has made a value of yet
 */
export function pathOf([name, { path }]: AnyRoute, params: Params): string {
  return path.replace(/\{(\w+)\*?\}/g, (_all, parameter: string) => {
    const value = params[parameter] ?? placesInLog[parameter];
    if (value === undefined) {
      throw new Error(
        `the route ${name} has a new parameter {${parameter}}: make one in \`makeThings\` of test/e2e/support/things.ts and of test/attack/tenant/whole-kit.ts`,
      );
    }
    return value;
  });
}

const kinds = {
  user: "user",
  device: "device",
  group: "group",
  code: "enrollmentCode",
  invitation: "invitation",
  key: "apiKey",
  provider: "provider",
  exception: "geoException",
  witness: "witness",
  secret: "providerSecret",
  doc: "document",
  upload: "upload",
  share: "share",
  llm_provider: "llmProvider",
  llm_key: "llmProvider",
  export_id: "export",
  export_destination: "exportDestination",
} as const;

/** Parameters that name something of an organisation's. */
export const thingNames: readonly string[] = Object.keys(kinds);

/** Well-formed ids of things that do not exist. */
export function inventedThings(): Params {
  const random = (): Uint8Array => crypto.getRandomValues(new Uint8Array(10));
  const invented = Object.entries({ ...kinds, target: "org" } as const);
  return Object.fromEntries(invented.map(([name, kind]) => [name, makeId(kind, Date.now(), random())]));
}
