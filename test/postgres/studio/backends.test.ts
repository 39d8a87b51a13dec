import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readBackends } from "../../../workers/studio/backends/registry.ts";
import { type Account, createHarness, type Harness, type SendOptions } from "./harness.ts";

// Studio whole and its database real; what a backend does is said by each test. TLS is test/e2e/backends-tls.test.ts's.

let studio: Harness;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
let other: typeof org;
let viewer: Account;

interface Seen {
  readonly url: URL;
  readonly init: RequestInit;
  readonly headers: Headers;
}
let seen: Seen[] = [];
/** What the backend does, one after the other; the last one is repeated. */
let deeds: ((seen: Seen) => Response | Promise<Response>)[] = [];
const backend = async (input: string, init: RequestInit): Promise<Response> => {
  const one = { url: new URL(input), init, headers: new Headers(init.headers) };
  seen.push(one);
  const deed = deeds.length > 1 ? deeds.shift() : deeds[0];
  if (deed === undefined) throw new Error("the test says nothing of this");
  return deed(one);
};

const registration = (organisations: string[] | "all") => ({
  base_url: "https://records.school.example/api",
  mtls_binding: "MTLS_RECORDS",
  organisations,
  routes: [
    { methods: ["GET"], path: "/students/{student}", roles: ["owner", "viewer"], query: ["class", "page"] },
    { methods: ["PUT", "DELETE"], path: "/students/{student}", roles: ["owner"] },
    { methods: ["POST"], path: "/marks", roles: ["owner"], honours_idempotency_key: true },
    { methods: ["POST"], path: "/mails", roles: ["owner", "viewer"] },
  ],
  timeout_ms: 400,
  retries: 2,
  answer_bytes_max: 64,
  answer_types: ["application/json", "text/csv"],
});

beforeAll(async () => {
  // What a registry serves is known when studio boots: the organisations, that is, when they were made by another.
  const first = await createHarness();
  [org, other] = [await first.newOrg(), await first.newOrg()];
  viewer = await first.newMember(org, "viewer");
  const MTLS_RECORDS = { fetch: backend };
  const backends = readBackends({
    MTLS_RECORDS,
    BACKEND_RECORDS: registration([org.id]),
    BACKEND_OTHERS: registration([other.id]),
  });
  studio = await createHarness((services) => ({ ...services, backends }));
  // Each harness has keys of its own; the people are the same.
  org = { ...org, owner: await studio.signIn(org.owner.email) };
  viewer = await studio.signIn(viewer.email);
});
beforeEach(() => {
  seen = [];
  deeds = [() => Response.json({ fine: true })];
  studio.standIns.broken.clear();
});

const at = (rest: string, name = "records"): string => `/api/v1/orgs/${org.slug}/backends/${name}/${rest}`;
const send = (method: string, rest: string, more: SendOptions & { readonly name?: string } = {}) =>
  studio.send(method, at(rest, more.name), { token: org.owner.token, ...more });
const codeOf = ({ status, body }: { status: number; body: { code?: string } | null }) => `${status} ${body?.code}`;

describe("a request to a backend", () => {
  it("goes where the registration says, with who calls, a trace and nothing of the client's own", async () => {
    const headers = {
      Cookie: "a=b",
      Accept: "text/html",
      "If-Match": "x",
      traceparent: "00-11111111111111111111111111111111-1111111111111111-01",
      "X-Forwarded-For": "10.0.0.1",
      "Sentinel-Assertion": "forged",
    };
    const sent = await send("GET", "students/7?class=4%26page=2&page=1", { headers });
    expect([sent.status, sent.body]).toEqual([200, { fine: true }]);
    const [{ url, init, headers: got }] = seen as [Seen];
    expect(url.href).toBe("https://records.school.example/api/students/7?class=4%26page%3D2&page=1");
    expect(init).toMatchObject({ method: "GET", body: null, redirect: "manual" });
    expect([...got.keys()].sort()).toEqual([
      "accept",
      "accept-encoding",
      "sentinel-assertion",
      "traceparent",
      "tracestate",
      "user-agent",
      "x-request-id",
    ]);
    expect(got.get("sentinel-assertion")).toBe("assertion 0");
    expect(got.get("accept")).toBe("application/json, text/csv");
    expect(got.get("x-request-id")).toBe(sent.requestId);
    expect(got.get("tracestate")).toBe(`sentinel=${sent.requestId}`);
    expect(got.get("traceparent")).toMatch(/^00-(?!1{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("is written anew from what was read: a name that stands twice means one thing", async () => {
    await send("PUT", "students/7", { rawBody: '{"role":"viewer","role":"owner"}' });
    expect(seen[0]?.init.body).toBe('{"role":"owner"}');
    // The last would arrive as null.
    for (const rawBody of ['{"id":12345678901234567890}', `${"[".repeat(40)}${"]".repeat(40)}`, '{"mark":1e400}'])
      expect(codeOf(await send("PUT", "students/7", { rawBody }))).toBe("422 invalid_request");
    expect(seen).toHaveLength(1);
  });

  it.each([
    ["GET", "students"],
    ["GET", "students/7/marks"],
    ["GET", "students/%2e%2e"],
    ["GET", "students/..%2fadmin"],
    ["GET", "students/7%3Fadmin=1"],
    ["DELETE", "marks"],
  ])("that no route takes (%s %s) finds nothing, and goes nowhere", async (method, rest) => {
    expect(codeOf(await send(method, rest))).toBe("404 not_found");
    expect(seen).toEqual([]);
  });

  it("is not there for an organisation that it is not registered for, nor is a backend that nobody registered", async () => {
    for (const name of ["others", "nobodys", "__proto__", "records2"])
      expect(codeOf(await send("GET", "students/7", { name }))).toBe("404 not_found");
    expect(seen).toEqual([]);
  });

  it("is for the roles that the route names, whatever the role may elsewhere", async () => {
    expect((await send("GET", "students/7", { token: viewer.token })).status).toBe(200);
    const denied = await send("DELETE", "students/7", { token: viewer.token });
    expect(codeOf(denied)).toBe("403 forbidden");
    expect(seen).toHaveLength(1);
    expect((await studio.audit.of(denied.requestId)).map(({ event }) => event.type)).toContain("access_denied");
  });

  it("has fields that the route names, each once", async () => {
    expect(codeOf(await send("GET", "students/7?debug=1"))).toBe("422 invalid_request");
    expect(codeOf(await send("GET", "students/7?class=1&class=2"))).toBe("422 invalid_request");
    expect(seen).toEqual([]);
  });

  it("is on record before it goes out when it writes, and with what came of it", async () => {
    deeds = [() => new Response(null, { status: 500 })];
    const sent = await send("PUT", "students/7", { body: {} });
    const events = await studio.audit.of(sent.requestId);
    expect(events.map(({ phase, event }) => [phase, "status_code" in event ? event.status_code : null])).toEqual([
      ["intent", null],
      ["outcome", 502],
    ]);
  });
});

describe("an answer of a backend", () => {
  const answer = (body: BodyInit | null, init: ResponseInit = {}) => {
    deeds = [() => new Response(body, init)];
    return send("GET", "students/7");
  };
  const json = { "Content-Type": "application/json" };

  it("keeps its status, its type and its text, and no header", async () => {
    const headers = { ...json, "Set-Cookie": "a=b", Location: "https://evil.test", "Access-Control-Allow-Origin": "*" };
    const sent = await answer('{"a":1}', { status: 201, headers });
    expect([sent.status, sent.text]).toEqual([201, '{"a":1}']);
    for (const name of ["Set-Cookie", "Location", "Access-Control-Allow-Origin"])
      expect(sent.headers.has(name)).toBe(false);
    const csv = await answer("a,b", { headers: { "Content-Type": "text/csv" } });
    expect([csv.headers.get("Content-Type"), csv.text]).toEqual(["text/csv; charset=utf-8", "a,b"]);
    expect((await answer(null, { status: 204 })).status).toBe(204);
  });

  it.each([
    ["a page", "<script>", { headers: { "Content-Type": "text/html" } }],
    ["a type that is not registered", "x", { headers: { "Content-Type": "text/plain" } }],
    ["no type", new Uint8Array([1]), {}],
    ["another character set", "{}", { headers: { "Content-Type": "application/json; charset=utf-16" } }],
    ["bytes that are no text", new Uint8Array([0x22, 0xff, 0x22]), { headers: json }],
    ["JSON that is none", "{", { headers: json }],
    ["more than is registered", `"${"x".repeat(63)}"`, { headers: json }],
    ["a redirect", null, { status: 302, headers: { Location: "https://evil.test" } }],
    ["a part", "{}", { status: 206, headers: json }],
    ["that Sentinel is nobody", "{}", { status: 401, headers: json }],
    ["that Sentinel may not", "{}", { status: 403, headers: json }],
  ])("that is %s is not handed on, and is asked for once", async (_, body, init) => {
    expect(codeOf(await answer(body as BodyInit, init as ResponseInit))).toBe("502 backend_failed");
    expect(seen).toHaveLength(1);
  });

  it("that refuses is told as ours, with its own words beside, which can't pass for ours", async () => {
    const said = { code: "forbidden", status: 200, type: "urn:sentinel:problem:forbidden" };
    const sent = await answer(JSON.stringify(said), {
      status: 404,
      headers: { "Content-Type": "application/problem+json" },
    });
    expect(codeOf(sent)).toBe("422 backend_refused");
    expect(sent.body).toMatchObject({
      backend_status: 404,
      backend_answer: said,
      type: "urn:sentinel:problem:backend_refused",
    });
    const page = await answer("<html>", { status: 400, headers: { "Content-Type": "text/html" } });
    expect(page.body).toMatchObject({ backend_status: 400, backend_answer: null });
    // Small, and yet more than a writer's stack holds.
    for (const deep of [`${"[".repeat(8_000)}${"]".repeat(8_000)}`, `${'{"a":'.repeat(2_500)}1${"}".repeat(2_500)}`]) {
      const refused = await answer(deep, { status: 400, headers: json });
      expect(codeOf(refused)).toBe("422 backend_refused");
      expect(refused.body).toMatchObject({ backend_status: 400, backend_answer: null });
    }
  });

  it("that asks for patience is told so", async () => {
    const sent = await answer(null, { status: 429, headers: { "Retry-After": "7" } });
    expect([codeOf(sent), sent.headers.get("Retry-After")]).toEqual(["503 backend_unavailable", "7"]);
  });
});

describe("a backend that fails", () => {
  const status = (code: number) => () => new Response("{}", { status: code });
  const gone = () => {
    throw new Error("ECONNREFUSED 10.1.2.3");
  };

  it("is asked again where that is harmless, each time with another assertion and parent, in one trace", async () => {
    deeds = [status(503), gone, () => Response.json({ fine: true })];
    expect((await send("GET", "students/7")).status).toBe(200);
    expect(seen.map(({ headers }) => headers.get("sentinel-assertion"))).toEqual(
      [0, 1, 2].map((one) => `assertion ${one}`),
    );
    const traces = seen.map(({ headers }) => (headers.get("traceparent") ?? "").split("-"));
    expect([
      new Set(traces.map(([, trace]) => trace)).size,
      new Set(traces.map(([, , parent]) => parent)).size,
    ]).toEqual([1, 3]);
  });

  it.each([
    ["PUT", "students/7", 3],
    ["DELETE", "students/7", 3],
    ["POST", "mails", 1],
    ["POST", "marks", 1],
  ])("is asked %s %s %i times and no more", async (method, rest, times) => {
    deeds = [status(503)];
    const sent = await send(method, rest, method === "DELETE" ? {} : { body: {} });
    expect([codeOf(sent), seen.length]).toEqual(["502 backend_failed", times]);
  });

  it("is asked again for what carries a key that it heeds, and nowhere else; the key is another for each person", async () => {
    const headers = { "Idempotency-Key": "mine" };
    deeds = [status(503), () => Response.json({})];
    expect((await send("POST", "marks", { body: {}, headers })).status).toBe(200);
    const keys = seen.map((one) => one.headers.get("Idempotency-Key"));
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(keys[0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
    // Kept here: the backend is not asked again.
    const replayed = await send("POST", "marks", { body: {}, headers });
    expect([replayed.headers.get("Idempotency-Replayed"), seen.length]).toEqual(["true", 2]);
    deeds = [status(503)];
    const other = { "Idempotency-Key": "other" };
    for (const { token } of [org.owner, viewer])
      expect(codeOf(await send("POST", "mails", { body: {}, headers: other, token }))).toBe("502 backend_failed");
    expect(seen).toHaveLength(4);
    expect(new Set([keys[0], ...seen.slice(2).map((one) => one.headers.get("Idempotency-Key"))]).size).toBe(3);
  });

  it("is not asked again after a mistake of its own, nor by its leave later than the call may take", async () => {
    deeds = [status(500)];
    await send("GET", "students/7");
    expect(seen).toHaveLength(1);
    deeds = [() => new Response(null, { status: 503, headers: { "Retry-After": "60" } })];
    await send("GET", "students/7");
    expect(seen).toHaveLength(2);
  });

  it("is given up when its time is over, while it begins and while it speaks", async () => {
    const never = ({ init }: Seen): Promise<Response> =>
      new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    deeds = [never];
    expect(codeOf(await send("GET", "students/7"))).toBe("504 backend_timeout");
    deeds = [
      ({ init }) =>
        new Response(
          new ReadableStream({
            start: (controller) => init.signal?.addEventListener("abort", () => controller.error(new Error("aborted"))),
          }),
          { headers: { "Content-Type": "application/json" } },
        ),
    ];
    expect(codeOf(await send("GET", "students/7"))).toBe("504 backend_timeout");
    expect(seen).toHaveLength(2);
  });

  it("says nothing of where it is", async () => {
    deeds = [gone];
    const sent = await send("GET", "students/7");
    expect(codeOf(sent)).toBe("502 backend_failed");
    expect(sent.text).not.toMatch(/10\.1\.2\.3|ECONN|school\.example/);
  });

  it("is reported to its circuit with every try, and is left alone while that is open", async () => {
    const settled = async () => {
      await Promise.all(studio.deferred);
      return studio.standIns.calls
        .filter(({ method }) => method === "settle")
        .at(-1)
        ?.args.at(-1);
    };
    deeds = [status(503), () => Response.json({})];
    await send("GET", "students/7");
    expect(await settled()).toEqual({ failures: 1, answered: true });
    deeds = [status(500)];
    await send("GET", "students/7");
    expect(await settled()).toEqual({ failures: 1, answered: false });
    deeds = [status(404)];
    await send("GET", "students/7");
    expect(await settled()).toEqual({ failures: 0, answered: true });
    seen = [];
    studio.standIns.broken.add("the circuit");
    const refused = await send("GET", "students/7");
    expect([codeOf(refused), refused.headers.get("Retry-After"), seen]).toEqual(["503 backend_unavailable", "5", []]);
  });

  it("is not asked when nobody can say who calls", async () => {
    studio.standIns.broken.add("admit");
    expect(codeOf(await send("GET", "students/7"))).toBe("503 unavailable");
    expect(seen).toEqual([]);
  });
});

describe("the list of backends", () => {
  it("has those of one's own organisation, their routes and their state, and neither certificate nor organisations", async () => {
    const { status, body, text } = await studio.send("GET", `/api/v1/orgs/${org.slug}/backends`, {
      token: org.owner.token,
    });
    expect(status).toBe(200);
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({
      name: "records",
      host: "records.school.example",
      state: "open",
      timeout_ms: 400,
    });
    expect(body.items[0].routes[0]).toEqual({
      methods: ["GET"],
      path: "/students/{student}",
      roles: ["owner", "viewer"],
    });
    expect(text).not.toMatch(/MTLS|org_/);
  });
});

describe("a registry", () => {
  const MTLS_RECORDS = { fetch: backend };
  it.each([
    ["a certificate that is not bound", { BACKEND_A1: registration("all") }, "not bound"],
    ["a binding that can't be called", { BACKEND_A1: registration("all"), MTLS_RECORDS: "x" }, "not bound"],
    ["a registration that is none", { BACKEND_A1: "{", MTLS_RECORDS }, "not JSON"],
    ["a name that is none", { BACKEND_1: registration("all"), MTLS_RECORDS }, "no name"],
    [
      "too many",
      {
        MTLS_RECORDS,
        ...Object.fromEntries(Array.from({ length: 17 }, (_, one) => [`BACKEND_A${one}`, registration("all")])),
      },
      "more than 16",
    ],
  ])("with %s stops studio", (_, env, why) => {
    expect(() => readBackends(env)).toThrow(why);
  });
});
