import { readFileSync } from "node:fs";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stepUpMsMax } from "../../core/limits.ts";
import { sessionCookieName } from "../../core/rpc/studio.ts";
import { type LocalBackend, startLocalBackend } from "../support/local-backend.ts";
import { type AnyRoute, allRoutes, inventedThings, type Params, thingNames } from "../support/route-inputs.ts";
import { type Answer, Api, browserSignIn, eventually, newPerson, testPassword } from "./support/api.ts";
import { expiredTwin } from "./support/expired-token.ts";
import { AuthenticatorApp } from "./support/one-time-codes.ts";
import { freshStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";
import { again, done, join, makeThings, newKey, newMember, newOrg, type TestPerson } from "./support/things.ts";
import { ask, type Caller, expectedVerdict, type Standing, verdictOf } from "./support/verdict.ts";

/** Every route of the route table, called by everybody, over the whole system. */

let stack: StackProcess;
let backend: LocalBackend;
let url: string;
let mailDir: string;
/** An owner, whose organisation the routes address, and what is in it. */
let alice: TestPerson;
let own: Params;
/** The owner of another one. */
let bob: TestPerson;
let bobs: string;
/** An organisation that does not exist. */
let nowhere: Params;
let control: Client;
const callers = new Map<string, Caller>();
const caller = (name: string): Caller => callers.get(name) as Caller;

beforeAll(async () => {
  backend = await startLocalBackend();
  process.env["BACKENDS_FILE"] = backend.file;
  stack = await startStackProcess(freshStateDir(), ["--quiet", "--no-agent", "--limit-scale", "1000", "--pace", "12"]);
  ({ url, mailDir } = stack.description);
  backend.serves(url);
  control = new Client(Object.values(stack.description.databaseUrls)[0]);
  await control.connect();
  [alice, bob] = [await newPerson(url, mailDir, "alice"), await newPerson(url, mailDir, "bob")];
  const org = await newOrg(alice.api, "alices");
  bobs = await newOrg(bob.api, "bobs");
  const { deviceToken, ...things } = await makeThings(mailDir, alice.api, org);
  own = things;
  nowhere = { ...own, org: `nobody-${crypto.randomUUID().slice(0, 8)}` };
  await addMembers(org);
  await addPrograms(org);
  await addNobodies(org, deviceToken ?? "");
});
afterAll(async () => {
  await control?.end();
  delete process.env["BACKENDS_FILE"];
  await stack?.discard();
  await backend?.stop();
});

const add = (name: string, is: Standing, token: string | null, headers?: Record<string, string>): void =>
  void callers.set(name, { is, api: new Api(url, token), ...(headers === undefined ? {} : { headers }) });

const person = (role: string | null): Standing => ({ kind: "person", role: role as "owner" | null });

/** The cookie that a browser gets, and sends from our own pages. */
async function browserOf({ email }: TestPerson): Promise<Record<string, string>> {
  return { Cookie: `${sessionCookieName}=${await browserSignIn(url, email, testPassword)}`, Origin: url };
}

const sessionOf = ({ token }: Api): string =>
  (JSON.parse(Buffer.from(token?.split(".")[1] ?? "", "base64url").toString()) as { sid: string }).sid;

async function addMembers(org: string): Promise<void> {
  add("owner", person("owner"), alice.api.token);
  for (const role of ["admin", "analyst", "viewer", "readonly"]) {
    const member = await newMember(mailDir, alice.api, org, role);
    add(role, person(role), member.api.token);
    if (role === "viewer") add("viewer, by cookie", person(role), null, await browserOf(member));
  }
  const proven = await again(alice);
  add("owner, proof too old", { kind: "person", role: "owner", proof: "too_old" }, proven.token);
  const old = new Date(Date.now() - stepUpMsMax - 1000);
  await control.query("UPDATE control.sessions SET proven_at = $2 WHERE id = $1", [sessionOf(proven), old]);

  const both = await newMember(mailDir, alice.api, org, "admin");
  await join(mailDir, bob.api, bobs, both, "admin");
  for (const [name, slug, role] of [
    ["admin, by this organisation's issuer", org, "admin"],
    ["admin, by another organisation's issuer", bobs, null],
  ] as const) {
    const confined = await again(both);
    const only = "UPDATE control.sessions SET only_org = o.id FROM control.organisations o WHERE o.slug = $2";
    await control.query(`${only} AND sessions.id = $1`, [sessionOf(confined), slug]);
    add(name, { kind: "person", role, confined: true }, confined.token);
  }

  add("another organisation's owner", person(null), bob.api.token);
  const disabled = await newMember(mailDir, alice.api, org, "admin");
  await done(alice.api.send("PATCH", `/api/v1/orgs/${org}/members/${disabled.userId}`, { disabled: true }));
  add("member who is disabled", person(null), (await again(disabled)).token);
  const removed = await newMember(mailDir, alice.api, org, "admin");
  await done(alice.api.send("DELETE", `/api/v1/orgs/${org}/members/${removed.userId}`));
  add("member who was removed", person(null), (await again(removed)).token);
}

async function addPrograms(org: string): Promise<void> {
  for (const role of ["admin", "analyst", "viewer", "readonly"] as const) {
    add(`${role}'s API key`, { kind: "program", role }, (await newKey(alice.api, org, role)).key);
  }
  add("another organisation's API key", { kind: "program", role: null }, (await newKey(bob.api, bobs, "admin")).key);
  const revoked = await newKey(alice.api, org, "admin");
  await done(alice.api.send("DELETE", `/api/v1/orgs/${org}/api-keys/${revoked.id}`));
  add("API key that was revoked", { kind: "worthless" }, revoked.key);
  const expired = await newKey(alice.api, org, "admin");
  const ended = "UPDATE control.sessions s SET expires_at = now() FROM control.api_keys k";
  await control.query(`${ended} WHERE k.id = $1 AND s.user_id = k.user_id`, [expired.id]);
  add("API key whose day has come", { kind: "worthless" }, expired.key);
}

async function addNobodies(org: string, deviceToken: string): Promise<void> {
  add("nobody", { kind: "nobody" }, null);
  add("owner, token expired", { kind: "worthless" }, await expiredTwin(stack.stateDir, alice.api.token ?? ""));
  const gone = await again(alice);
  await done(gone.send("POST", "/api/v1/auth/logout"));
  add("owner, signed out", { kind: "ended" }, gone.token);
  const browser = await browserOf(alice);
  // The edge has just traded it, and keeps that for a minute.
  await done(new Api(url).send("GET", `/api/v1/orgs/${org}`, undefined, browser));
  await done(new Api(url).send("POST", "/api/v1/auth/logout", undefined, browser));
  add("owner, signed out, by cookie", { kind: "nobody" }, null, browser);
  add("device", { kind: "device" }, deviceToken);
  add("operator", { kind: "operator" }, readFileSync(stack.description.operatorTokenFile, "utf8").trim());
}

const guarded = allRoutes.filter(([, { policy }]) => policy.kind === "permission");
// A ticket is how a browser asks to read a document, or an export's result.
const tickets = ["createDocumentTicket", "createExportTicket"];
const writing = guarded.filter(([name, { method }]) => method !== "GET" && !tickets.includes(name));
const comparable = ({ status, body }: Answer): unknown => ({ status, body: { ...(body as object), request_id: null } });

/**
 * Has everybody call a route: in earnest whoever must be refused, so that a mistake would do harm that is
 * seen, and as a probe whoever may.
 * @returns answers by caller
 */
async function walk(route: AnyRoute, who: ReadonlyMap<string, Caller>): Promise<Map<string, Answer>> {
  const answers = [...who].map(async ([name, each]) => {
    const probing = expectedVerdict(route, each.is) === "passes" && route[1].servedBy === "studio";
    return [name, await ask(route, own, each, probing)] as const;
  });
  return new Map(await Promise.all(answers));
}

const expectedOf = (route: AnyRoute, who: ReadonlyMap<string, Caller>): Record<string, string> =>
  Object.fromEntries([...who].map(([name, { is }]) => [name, expectedVerdict(route, is)]));
const verdictsOf = (answers: ReadonlyMap<string, Answer>): Record<string, string> =>
  Object.fromEntries([...answers].map(([name, answer]) => [name, verdictOf(answer)]));

describe("a route", () => {
  it.each(allRoutes)("%s is open to whom its policy and the role table name, and to nobody else", async (...route) => {
    const answers = await walk(route, callers);
    expect(verdictsOf(answers)).toEqual(expectedOf(route, callers));
    if (route[1].policy.kind !== "permission") return;
    // Not by a single character does a stranger learn that the organisation exists.
    const absent = comparable(await ask(route, nowhere, caller("another organisation's owner"), false));
    for (const [name, answer] of answers) {
      const { is } = caller(name);
      if ("role" in is && is.role === null) expect([name, comparable(answer)]).toEqual([name, absent]);
    }
  });
});

describe("another organisation's things", () => {
  const naming = guarded.filter(([, { path }]) => thingNames.some((name) => path.includes(`{${name}}`)));
  it.each(naming)("%s of one's own organisation does not find an id that belongs to another", async (...route) => {
    const owner = caller("another organisation's owner");
    const params = { ...own, org: bobs };
    const stolen = await ask(route, params, owner, false);
    const absent = await ask(route, { ...params, ...inventedThings() }, owner, false);
    expect(stolen.status).toBe(404);
    expect(comparable(stolen)).toEqual(comparable(absent));
  });

  it("are all still there afterwards", async () => {
    await logIsSigned();
    for (const route of guarded.filter(([, { method, path }]) => method === "GET" && path.includes("{")))
      expect([route[0], verdictOf(await ask(route, own, caller("owner"), false))]).toEqual([route[0], "passes"]);
    const device = await done(alice.api.send("GET", `/api/v1/orgs/${own["org"]}/devices/${own["device"]}`));
    expect(device).toMatchObject({ name: "pc-1" });
  });
});

describe("a readonly member", () => {
  it.each(writing)("may not %s, and is told so before the request is read", async (...route) => {
    for (const probing of [false, true]) {
      const answer = await ask(route, own, caller("readonly"), probing);
      expect(verdictOf(answer)).toBe("403 forbidden");
    }
  });
});

/** In this order: what is deeper goes before what it is in. */
const depth = ([, { path }]: AnyRoute): number => path.split("/").length;
/** What takes more than things that are there, and where it is shown instead. */
const shownElsewhere: ReadonlySet<string> = new Set([
  // lifecycle.test.ts: here the organisation is needed to the end.
  "deleteOrg",
  // documents.test.ts: only what lies in the bin.
  "restoreDocument",
  // test/postgres/documents/uploads.test.ts: only what is under way, and here it is complete by then.
  "cancelUpload",
  // llm.test.ts: ask a provider.
  "chatCompletion",
  "createEmbeddings",
  // llm-pages.test.ts: ask a provider.
  "explainDevice",
  "explainAudit",
  // test/postgres/studio/audit-stream-delivery.test.ts: only what was given up.
  "resendAuditStream",
  // exports-pages.test.ts: only another person's that waits.
  "approveExport",
  "rejectExport",
  // test/postgres/exports/kills.test.ts: only what is under way, and here it is done by then.
  "cancelExport",
  // test/unit/billing/stripe-provider.test.ts: only for whom Stripe knows.
  "openBillingPortal",
  // audit-erasure.test.ts: only who is no member any more.
  "eraseAuditSubject",
]);
const shownHere = guarded.filter(([name]) => !shownElsewhere.has(name));
const inOrder = [
  ...shownHere.filter(([, { method }]) => method !== "DELETE"),
  ...shownHere.filter(([, { method }]) => method === "DELETE").sort((one, other) => depth(other) - depth(one)),
];

/** Proofs are of what a checkpoint covers, and the first comes within a minute. */
async function logIsSigned(): Promise<void> {
  const status = `/api/v1/orgs/${own["org"]}/audit/status`;
  const signed = async () => (await done(alice.api.send<{ checkpoint: object | null }>("GET", status))).checkpoint;
  await eventually("a checkpoint of the audit log", signed, 90_000);
}

describe("an owner", () => {
  beforeAll(logIsSigned);

  it.each(inOrder)("may indeed %s: sent in earnest, what the walk sends does its work", async (...route) => {
    const answer = await ask(route, own, caller("owner"), false);
    expect([answer.status < 300, answer.body]).toEqual([true, answer.body]);
  });
});

describe("an organisation that requires second factors", () => {
  const walled = new Map<string, Caller>();

  beforeAll(async () => {
    const org = `/api/v1/orgs/${own["org"]}`;
    const holder = await newMember(mailDir, alice.api, own["org"] ?? "", "admin");
    const before = await again(holder);
    const { secret } = await done(holder.api.send<{ secret: string }>("POST", "/api/v1/me/mfa/totp"));
    const code = await new AuthenticatorApp(secret).next();
    await done(holder.api.send("POST", "/api/v1/me/mfa/totp/confirm", { code }));
    await done(alice.api.send("PUT", `${org}/policies/mfa`, { required: true, grace_until: null }));
    for (const name of ["owner", "admin", "viewer, by cookie", "readonly"]) {
      const { is, ...rest } = caller(name);
      walled.set(name, { ...rest, is: { ...is, proof: "factor_missing" } as Standing });
    }
    for (const exempt of ["admin's API key", "another organisation's owner"]) walled.set(exempt, caller(exempt));
    walled.set("admin who showed one", { is: person("admin"), api: holder.api });
    const unshown: Standing = { kind: "person", role: "admin", proof: "factor_not_shown" };
    walled.set("admin who has one and did not show it", { is: unshown, api: before });
  });

  it.each(allRoutes.filter(([, { policy }]) => policy.kind === "permission" || policy.kind === "signed_in"))(
    "lets nobody without one use %s, if it is the organisation's; one's own routes stay open",
    async (...route) => {
      expect(verdictsOf(await walk(route, walled))).toEqual(expectedOf(route, walled));
    },
  );
});
