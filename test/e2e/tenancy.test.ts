import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeId } from "../../core/ids.ts";
import { type RouteSpec, routes } from "../../core/routes.ts";
import { type Answer, Api, mailedToken, newPerson } from "./support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

const random = (): Uint8Array => crypto.getRandomValues(new Uint8Array(10));
const suffix = crypto.randomUUID().slice(0, 8);

let stack: StackProcess;
let alice: Awaited<ReturnType<typeof newPerson>>;
let bob: Awaited<ReturnType<typeof newPerson>>;
/** Alice's organisation and what is in it. */
const own: Record<string, string> = {};

const tomorrow = new Date(Date.now() + 24 * 3600_000).toISOString();

beforeAll(async () => {
  stack = await startStackProcess(freshStateDir(), ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "1000"]);
  const { url, mailDir } = stack.description;
  alice = await newPerson(url, mailDir, "alice");
  bob = await newPerson(url, mailDir, "bob");
  const created = await alice.api.send<{ id: string }>("POST", "/api/v1/orgs", {
    name: "Alice's school",
    slug: `alice-${suffix}`,
  });
  expect(created.status).toBe(201);
  expect((await bob.api.send("POST", "/api/v1/orgs", { name: "Bob's school", slug: `bob-${suffix}` })).status).toBe(
    201,
  );
  own["org"] = `alice-${suffix}`;
  own["user"] = alice.userId;
  const code = await alice.api.send<{ id: string; code: string }>(
    "POST",
    `/api/v1/orgs/${own["org"]}/enrollment-codes`,
    { name: "lab", max_uses: 5, expires_in_seconds: 600 },
  );
  expect(code.status).toBe(201);
  own["code"] = code.body.id;
  const device = await new Api(url).send<{ device_id: string }>("POST", "/api/v1/enroll", {
    code: code.body.code,
    name: "pc-1",
    platform: "linux",
  });
  expect(device.status).toBe(201);
  own["device"] = device.body.device_id;
  const group = await alice.api.send<{ id: string }>("POST", `/api/v1/orgs/${own["org"]}/groups`, { name: "lab 1" });
  expect(group.status).toBe(201);
  own["group"] = group.body.id;
  const invitation = await alice.api.send<{ id: string }>("POST", `/api/v1/orgs/${own["org"]}/invitations`, {
    email: "someone@people.test",
    role: "viewer",
  });
  expect(invitation.status).toBe(201);
  own["invitation"] = invitation.body.id;
  own["policy"] = "geo";
  const wanted = { name: "backup", role: "viewer", expires_at: tomorrow };
  const key = await alice.api.send<{ id: string }>("POST", `/api/v1/orgs/${own["org"]}/api-keys`, wanted);
  expect(key.status).toBe(201);
  own["key"] = key.body.id;
  // Of the one kind whose issuer is asked nothing.
  const issuer = "https://abcdefgh.supabase.co/auth/v1";
  const shared = { kind: "supabase", name: "Supabase", issuer, signing: "hs256", client_secret: "s".repeat(64) };
  const provider = await alice.api.send<{ id: string; secrets: { id: string }[] }>(
    "POST",
    `/api/v1/orgs/${own["org"]}/identity-providers`,
    shared,
  );
  expect(provider.status).toBe(201);
  own["provider"] = provider.body.id;
  own["secret"] = provider.body.secrets[0]!.id;
});
afterAll(async () => {
  await stack?.stop();
  if (stack !== undefined) removeStateDir(stack.stateDir);
});

/** A body that the route would take, so that a refusal can't be about its shape. */
const bodies: Record<string, unknown> = {
  changeMember: { role: "viewer" },
  createInvitation: { email: "x@people.test", role: "viewer" },
  putPolicy: { countries: ["IN"] },
  createApiKey: { name: "mine now", role: "viewer", expires_at: tomorrow },
  createGroup: { name: "mine now" },
  renameGroup: { name: "mine now" },
  createEnrollmentCode: { name: "x", max_uses: 1, expires_in_seconds: 600 },
  renameDevice: { name: "mine now" },
  sendCommand: { name: "ping", args: {} },
  createIdentityProvider: { kind: "google", name: "x", client_id: "x", client_secret: "s".repeat(40) },
  changeIdentityProvider: { name: "mine now" },
  addProviderSecret: { client_secret: "s".repeat(64) },
};
const guarded = Object.entries(routes as Record<string, RouteSpec>).filter(
  ([, route]) => route.policy.kind === "permission",
);
const fill = (path: string, params: Record<string, string>): string =>
  path.replace(/\{(\w+)\}/g, (_all, name: string) => params[name] ?? "missing");
const comparable = ({ status, body }: Answer): unknown => ({ status, body: { ...(body as object), request_id: null } });

describe("another organisation's things", () => {
  it.each(guarded)("%s answers a stranger exactly as for an organisation that does not exist", async (name, route) => {
    const nobody = { ...own, org: `nobody-${suffix}` };
    const body = route.method === "GET" || route.bodyBytesMax === 0 ? undefined : bodies[name];
    const stolen = await bob.api.send(route.method, fill(route.path, own), body);
    const absent = await bob.api.send(route.method, fill(route.path, nobody), body);
    expect(stolen.status).toBe(404);
    expect(comparable(stolen)).toEqual(comparable(absent));
  });

  it.each(guarded.filter(([, route]) => /\{(device|group|code|invitation|user|key|provider)\}/.test(route.path)))(
    "%s of one's own organisation does not find an id that belongs to another",
    async (name, route) => {
      const body = route.method === "GET" || route.bodyBytesMax === 0 ? undefined : bodies[name];
      const params = { ...own, org: `bob-${suffix}` };
      const invented = {
        ...params,
        device: makeId("device", Date.now(), random()),
        group: makeId("group", Date.now(), random()),
        code: makeId("enrollmentCode", Date.now(), random()),
        invitation: makeId("invitation", Date.now(), random()),
        user: makeId("user", Date.now(), random()),
        key: makeId("apiKey", Date.now(), random()),
        provider: makeId("provider", Date.now(), random()),
        secret: makeId("providerSecret", Date.now(), random()),
      };
      const stolen = await bob.api.send(route.method, fill(route.path, params), body);
      const absent = await bob.api.send(route.method, fill(route.path, invented), body);
      expect(stolen.status).toBe(404);
      expect(comparable(stolen)).toEqual(comparable(absent));
    },
  );

  it("are all still there afterwards", async () => {
    expect((await alice.api.send("GET", `/api/v1/orgs/${own["org"]}/devices/${own["device"]}`)).body).toMatchObject({
      name: "pc-1",
    });
    expect((await alice.api.send("GET", `/api/v1/orgs/${own["org"]}/groups/${own["group"]}`)).body).toMatchObject({
      name: "lab 1",
    });
  });
});

describe("a readonly member", () => {
  it.each(guarded.filter(([, route]) => route.method !== "GET"))("may not %s", async (name, route) => {
    const { api } = await reader();
    const body = route.bodyBytesMax === 0 ? undefined : bodies[name];
    const answer = await api.send(route.method, fill(route.path, own), body);
    expect({ status: answer.status, code: (answer.body as { code?: string })?.code }).toEqual({
      status: 403,
      code: "forbidden",
    });
  });

  let joined: Promise<{ api: Api }> | null = null;
  /** Invited, accepted, signed in: once. */
  function reader(): Promise<{ api: Api }> {
    joined ??= (async () => {
      const { url, mailDir } = stack.description;
      const person = await newPerson(url, mailDir, "reader");
      expect(
        (
          await alice.api.send("POST", `/api/v1/orgs/${own["org"]}/invitations`, {
            email: person.email,
            role: "readonly",
          })
        ).status,
      ).toBe(201);
      expect(
        (
          await person.api.send("POST", "/api/v1/invitations/accept", {
            token: mailedToken(mailDir, person.email, "invitation"),
          })
        ).status,
      ).toBeLessThan(300);
      return person;
    })();
    return joined;
  }
});

describe("without signing in", () => {
  it.each(guarded)("%s answers 401", async (name, route) => {
    const body = route.method === "GET" || route.bodyBytesMax === 0 ? undefined : bodies[name];
    const answer = await new Api(stack.description.url).send(route.method, fill(route.path, own), body);
    expect(answer).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
  });
});

describe("the edge in front of the real system", () => {
  const from = (country: string | undefined, tlsVersion = "TLSv1.3") => ({
    "MF-CF-Blob": JSON.stringify({ country, tlsVersion }),
  });
  it.each([["US"], ["T1"], ["XX"], [undefined]])("refuses country %s", async (country) => {
    expect(await new Api(stack.description.url).send("GET", "/api/v1/me", undefined, from(country))).toMatchObject({
      status: 403,
      body: { code: "geo_denied" },
    });
  });
  it("refuses TLS 1.2 for people", async () => {
    const { status, body } = await new Api(stack.description.url).send(
      "GET",
      "/api/v1/me",
      undefined,
      from("IN", "TLSv1.2"),
    );
    expect([403, 426]).toContain(status);
    expect(body).toMatchObject({ code: "tls_required" });
  });
  it("lets an organisation choose other countries, within a minute", async () => {
    const path = `/api/v1/orgs/bob-${suffix}`;
    expect((await bob.api.send("PUT", `${path}/policies/geo`, { countries: ["IN", "SG"] })).status).toBe(200);
    expect((await bob.api.send("GET", path, undefined, from("SG"))).status).toBeOneOf([200, 403]);
    await expect
      .poll(async () => (await bob.api.send("GET", path, undefined, from("SG"))).status, {
        timeout: 90_000,
        interval: 1000,
      })
      .toBe(200);
  }, 100_000);

  it.each<[string, string, string, unknown, number, string]>([
    ["malformed JSON", "POST", "/api/v1/orgs", "{", 400, "invalid_json"],
    ["an unknown field", "POST", "/api/v1/orgs", { name: "x", slug: "abc", admin: true }, 422, "invalid_request"],
    ["an over-long value", "POST", "/api/v1/orgs", { name: "x".repeat(5000), slug: "abc" }, 422, "invalid_request"],
    ["a wrong type", "POST", "/api/v1/orgs", { name: 7, slug: "abc" }, 422, "invalid_request"],
    [
      "SQL in a query",
      "GET",
      "/api/v1/me?id=1'%20UNION%20SELECT%20password%20FROM%20users--",
      undefined,
      403,
      "waf_denied",
    ],
    ["a route that is not there", "GET", "/api/v1/nothing", undefined, 404, "not_found"],
    ["a method that is not there", "DELETE", "/api/v1/me", undefined, 405, "method_not_allowed"],
    ["a forged cursor", "GET", `/api/v1/orgs/bob-${suffix}/devices?cursor=AAAA`, undefined, 400, "invalid_cursor"],
    [
      "a page beyond the bound",
      "GET",
      `/api/v1/orgs/bob-${suffix}/devices?limit=100000`,
      undefined,
      422,
      "invalid_request",
    ],
  ])("refuses %s by name", async (_what, method, path, body, status, code) => {
    expect(await bob.api.send(method, path, body)).toMatchObject({
      status,
      body: { code, request_id: expect.stringMatching(/^req_/) },
    });
  });
  it("refuses a NUL byte in a value", async () => {
    const { status, body } = await bob.api.send("POST", "/api/v1/orgs", '{"name":"a\\u0000b","slug":"abcd"}');
    expect([403, 422]).toContain(status);
    expect((body as { code: string }).code).toMatch(/waf_denied|invalid_request/);
  });
});
