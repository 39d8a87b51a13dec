/** What each route of studio is sent when a test walks over all of them. */
import { randomBytes, randomUUID } from "node:crypto";
import { type IdKind, makeId } from "../../../core/ids.ts";
import { type RouteName, type RouteSpec, routes } from "../../../core/routes.ts";
import { bodyOf as bodyInShape, placesInLog } from "../../support/route-inputs.ts";
import { type Account, type Harness, operatorToken, password } from "./harness.ts";

export const served = (Object.entries(routes) as [RouteName, RouteSpec][]).filter(
  ([, { servedBy }]) => servedBy === "studio",
);
export const id = (kind: IdKind) => makeId(kind, Date.now(), randomBytes(10));

/** Answers of a passkey in form alone. */
const credential = { id: "AAAA", rawId: "AAAA", type: "public-key", clientExtensionResults: {} };
const assertion = {
  ...credential,
  response: { clientDataJSON: "AAAA", authenticatorData: "AAAA", signature: "AAAA" },
};
const registration = { ...credential, response: { clientDataJSON: "AAAA", attestationObject: "AAAA" } };

/** A body that each write accepts; what it names need not exist. */
export function bodyOf(studio: Harness, name: RouteName, owner: Account, slug: string): unknown {
  const code = `${slug}-ABCDE-FGHJK-MNPQR-STVWX`;
  const bodies: Partial<Record<RouteName, unknown>> = {
    register: { email: studio.newEmail(), password, name: "A" },
    verifyEmail: { token: "x" },
    login: { email: owner.email, password },
    orgLogin: { email: owner.email, password },
    refresh: { refresh_token: "x" },
    orgRefresh: { refresh_token: "x" },
    createOrg: { name: "B", slug: `walk-${randomBytes(5).toString("hex")}` },
    loginMfa: { challenge: "x", otp: "000000" },
    orgLoginMfa: { challenge: "x", otp: "000000" },
    loginMfaPasskeyOptions: { challenge: "x" },
    orgLoginMfaPasskeyOptions: { challenge: "x" },
    passkeySignIn: { ceremony: "x", response: assertion },
    orgPasskeySignIn: { ceremony: "x", response: assertion },
    stepUp: { password },
    confirmTotp: { code: "000000" },
    addPasskey: { ceremony: "x", response: registration, name: "key" },
    renamePasskey: { name: "key" },
    changeMember: { role: "viewer" },
    createInvitation: { email: studio.newEmail(), role: "viewer" },
    acceptInvitation: { token: "x" },
    putPolicy: { countries: ["IN"] },
    createApiKey: { name: "k", role: "viewer", expires_at: new Date(studio.clock.nowMs + 3600_000).toISOString() },
    createGroup: { name: "g" },
    renameGroup: { name: "g" },
    createEnrollmentCode: { name: "c" },
    enroll: { code, name: "pc", platform: "linux" },
    orgEnroll: { code, name: "pc", platform: "linux" },
    renameDevice: { name: "d" },
    sendCommand: { name: "ping" },
    disableUser: { email: owner.email },
    enableUser: { email: owner.email },
    renameOrg: { name: "Called otherwise" },
    rotateKeys: { purpose: "access", emergency: true },
    deleteOrg: { slug },
  };
  return bodies[name] ?? bodyInShape([name, routes[name]]);
}

/** The route's path, with ids of things that do not exist. */
export function targetOf(path: string, slug: string): string {
  const values: Record<string, string> = {
    org: slug,
    user: id("user"),
    device: id("device"),
    group: id("group"),
    code: id("enrollmentCode"),
    invitation: id("invitation"),
    session: id("session"),
    key: id("apiKey"),
    policy: "geo",
    passkey: id("passkey"),
    provider: id("provider"),
    secret: id("providerSecret"),
    exception: id("geoException"),
    witness: id("witness"),
    backup: id("backup"),
    doc: id("document"),
    upload: id("upload"),
    share: id("share"),
    llm_provider: id("llmProvider"),
    llm_key: "ours",
    export_id: id("export"),
    export_destination: id("exportDestination"),
    target: slug,
    export: randomUUID(),
    ...placesInLog,
  };
  return path.replaceAll(/\{(\w+)\*?\}/g, (_, name: string) => values[name]!);
}

/** What a read can't be without. */
export const queryOf = (name: RouteName, org: string): string =>
  name === "readHubExport" ? `?export=${randomUUID()}&object=${org}&page=0` : name === "readBackup" ? "?offset=0" : "";

export function tokenFor({ policy }: RouteSpec, owner: string): { readonly token?: string } {
  if (policy.kind === "public") return {};
  return { token: policy.kind === "operator" ? operatorToken : owner };
}
