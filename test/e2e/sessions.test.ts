import { readFileSync } from "node:fs";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sessionCookieName } from "../../core/rpc/studio.ts";
import { Api, browserSignIn, mailedToken, newPerson, signIn, testPassword } from "./support/api.ts";
import { ended, rawGet } from "./support/sockets.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";
import { done, type TestPerson } from "./support/things.ts";

/** Sessions and API keys over the whole system: edge with its cache, studio, hubs with open sockets. */

interface Problem {
  readonly code: string;
}
interface Org {
  readonly id: string;
  readonly path: string;
}
interface Key {
  readonly id: string;
  readonly user_id: string;
  readonly key: string;
}

const suffix = crypto.randomUUID().slice(0, 8);
let stack: BorrowedStack;
let url: string;
let owner: TestPerson;
let school: Org;
/** Another organisation, of the same owner. */
let college: Org;

beforeAll(async () => {
  stack = await borrowStack();
  url = stack.description.url;
  owner = await newPerson(url, stack.description.mailDir, "owner");
  school = await newOrg("school");
  college = await newOrg("college");
});
afterAll(async () => {
  await stack?.discard();
});

const clients: MqttClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.end(true);
});

async function newOrg(name: string): Promise<Org> {
  const slug = `${name}-${suffix}`;
  const { id } = await done<{ id: string }>(owner.api.send("POST", "/api/v1/orgs", { name, slug }));
  return { id, path: `/api/v1/orgs/${slug}` };
}

/** A person who belongs to both organisations, signed in at the first one's door. */
async function member(name: string, role: string): Promise<TestPerson> {
  const joined = await newPerson(url, stack.description.mailDir, name);
  for (const { path } of [school, college]) {
    await done(owner.api.send("POST", `${path}/invitations`, { email: joined.email, role }));
    const token = mailedToken(stack.description.mailDir, joined.email, "invitation");
    await done(joined.api.send("POST", "/api/v1/invitations/accept", { token }));
  }
  return { ...joined, ...(await signIn(url, joined.email, testPassword, school.path)) };
}

/** What a browser holds after a sign-in. */
const cookieOf = ({ email }: TestPerson): Promise<string> => browserSignIn(url, email, testPassword);

const withCookie = (secret: string, path = "/api/v1/me") =>
  new Api(url).send<Problem>("GET", path, undefined, { Cookie: `${sessionCookieName}=${secret}` });

async function connect(org: Org, options: IClientOptions): Promise<MqttClient> {
  const client = await connectAsync(`${url.replace("http", "ws")}/mqtt/${org.id}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    ...options,
  });
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}
const asUser = async (of: TestPerson, org: Org): Promise<MqttClient> => {
  const { api } = await signIn(url, of.email, testPassword, org.path);
  return await connect(org, { username: of.userId, password: api.token ?? "" });
};
const asCookie = (secret: string, org: Org): Promise<MqttClient> =>
  connect(org, { wsOptions: { headers: { Cookie: `${sessionCookieName}=${secret}`, Origin: url } } });

/** The product's own promise is about time: sockets are closed within a second of the answer. */
async function allEnded(sockets: readonly MqttClient[], act: () => Promise<unknown>): Promise<void> {
  const closed = Promise.all(sockets.map(ended)).then(() => "closed");
  await act();
  const second = new Promise<string>((resolve) => setTimeout(() => resolve("still open after a second"), 1000));
  expect(await Promise.race([closed, second])).toBe("closed");
}

const operator = async (what: "disable" | "enable", email: string): Promise<unknown> => {
  const token = readFileSync(stack.description.operatorTokenFile, "utf8").trim();
  return done(new Api(url, token).send("POST", `/api/v1/operator/users/${what}`, { email }));
};

describe("whoever is shut out", () => {
  const endings: [string, (victim: TestPerson) => Promise<unknown>][] = [
    [
      "disabled in one organisation",
      (victim) => done(owner.api.send("PATCH", `${school.path}/members/${victim.userId}`, { disabled: true })),
    ],
    [
      "removed from one organisation",
      (victim) => done(owner.api.send("DELETE", `${school.path}/members/${victim.userId}`)),
    ],
    [
      "signed out by an administrator",
      (victim) => done(owner.api.send("DELETE", `${school.path}/members/${victim.userId}/sessions`)),
    ],
    ["disabled by the operator", (victim) => operator("disable", victim.email)],
  ];

  it.each(endings)(
    "is out within a second when %s: sockets everywhere, cookies the edge knows, tokens",
    async (...row) => {
      const [name, end] = row;
      const victim = await member(name.replaceAll(" ", "-"), "admin");
      const secret = await cookieOf(victim);
      // The edge has exchanged the cookie for each of these a moment ago, and keeps that for a minute.
      for (const path of ["/api/v1/me", `${school.path}/devices`, `${college.path}/devices`])
        expect((await withCookie(secret, path)).status).toBe(200);
      const sockets = [
        await asUser(victim, school),
        await asUser(victim, college),
        await asCookie(secret, school),
        await asCookie(secret, college),
      ];
      await allEnded(sockets, () => end(victim));
      for (const path of ["/api/v1/me", `${school.path}/devices`, `${college.path}/devices`]) {
        expect((await withCookie(secret, path)).status).toBe(401);
        expect((await victim.api.send("GET", path)).status).toBe(401);
      }
      const refresh = { refresh_token: victim.refreshToken };
      expect((await new Api(url).send("POST", "/api/v1/auth/refresh", refresh)).status).toBe(401);
      for (const org of [school, college]) {
        await expect(asCookie(secret, org)).rejects.toThrow();
        await expect(connect(org, { username: victim.userId, password: victim.api.token ?? "" })).rejects.toThrow();
      }
    },
  );

  it("is a stranger to the organisation in every request when signed in again, and at its hub, until let in", async () => {
    const victim = await member("comes-back", "admin");
    const stranger = await newPerson(url, stack.description.mailDir, "stranger");
    const target = `${school.path}/members/${victim.userId}`;
    await done(owner.api.send("PATCH", target, { disabled: true }));
    const { api } = await signIn(url, victim.email, testPassword);
    for (const path of ["", "/members", "/devices", "/policies/geo"]) {
      const [theirs, strangers] = [
        await api.send<Problem & { request_id: string }>("GET", `${school.path}${path}`),
        await stranger.api.send<Problem & { request_id: string }>("GET", `${school.path}${path}`),
      ];
      expect(theirs.status).toBe(404);
      expect({ ...theirs.body, request_id: "" }).toEqual({ ...strangers.body, request_id: "" });
    }
    await expect(connect(school, { username: victim.userId, password: api.token ?? "" })).rejects.toThrow();
    await done(owner.api.send("PATCH", target, { disabled: false }));
    expect((await api.send("GET", school.path)).status).toBe(200);
    // Of the sessions that ended, none opens the hub again.
    await expect(connect(school, { username: victim.userId, password: victim.api.token ?? "" })).rejects.toThrow();
    await asUser(victim, school);
  });

  it("leaves the others as they are", async () => {
    const [victim, bystander] = [await member("victim", "viewer"), await member("bystander", "viewer")];
    const socket = await asUser(bystander, school);
    await done(owner.api.send("PATCH", `${school.path}/members/${victim.userId}`, { disabled: true }));
    expect((await bystander.api.send("GET", `${school.path}/devices`)).status).toBe(200);
    expect(socket.connected).toBe(true);
  });

  it("keeps the browser that ends all others, and its sockets", async () => {
    const person = await member("tidy", "viewer");
    const secret = await cookieOf(person);
    const [here, there] = [await asCookie(secret, school), await asUser(person, school)];
    const headers = { Cookie: `${sessionCookieName}=${secret}`, Origin: url };
    await allEnded([there], () => done(new Api(url).send("DELETE", "/api/v1/me/sessions", undefined, headers)));
    expect((await withCookie(secret)).status).toBe(200);
    expect(here.connected).toBe(true);
    expect((await person.api.send("GET", "/api/v1/me")).status).toBe(401);
  });
});

describe("an API key", () => {
  const expires = new Date(Date.now() + 3600_000).toISOString();
  const makeKey = (role: string, org = school): Promise<Key> =>
    done<Key>(owner.api.send("POST", `${org.path}/api-keys`, { name: `${role} key`, role, expires_at: expires }));

  it("opens its organisation's routes and hub as a member, another's as a stranger, and is never in a cookie", async () => {
    const { key, user_id } = await makeKey("admin");
    const program = new Api(url, key);
    for (const path of ["", "/members", "/devices", "/audit", "/policies/geo", "/api-keys"])
      expect([path, (await program.send("GET", `${school.path}${path}`)).status]).toEqual([path, 200]);
    expect((await program.send("POST", `${school.path}/groups`, { name: `g ${suffix}` })).status).toBe(201);
    const [theirs, nobodys] = [
      await program.send<Problem & { request_id: string }>("GET", `${college.path}/devices`),
      await program.send<Problem & { request_id: string }>("GET", "/api/v1/orgs/no-such-school/devices"),
    ];
    expect(theirs.status).toBe(404);
    expect({ ...theirs.body, request_id: "" }).toEqual({ ...nobodys.body, request_id: "" });
    expect((await withCookie(key, `${school.path}/devices`)).status).toBe(401);

    const byPassword = await connect(school, { username: user_id, password: key });
    const byUpgrade = await connect(school, { wsOptions: { headers: { Authorization: `Bearer ${key}` } } });
    for (const socket of [byPassword, byUpgrade]) {
      const granted = await socket.subscribeAsync(`sentinel/${school.id}/devices/+/telemetry`, { qos: 1 });
      expect(granted[0]?.qos).toBe(1);
    }
    for (const [org, username] of [
      [college, user_id],
      [school, owner.userId],
    ] as const)
      await expect(connect(org, { username, password: key })).rejects.toThrow();
  });

  it("is worth nothing a moment after it was revoked, however well the edge knows it, and its sockets close", async () => {
    const { id, key, user_id } = await makeKey("readonly");
    const program = new Api(url, key);
    expect((await program.send("GET", `${school.path}/devices`)).status).toBe(200);
    const sockets = [
      await connect(school, { username: user_id, password: key }),
      await connect(school, { wsOptions: { headers: { Authorization: `Bearer ${key}` } } }),
    ];
    await allEnded(sockets, () => done(owner.api.send("DELETE", `${school.path}/api-keys/${id}`)));
    expect((await program.send<Problem>("GET", `${school.path}/devices`)).body.code).toBe("invalid_token");
    await expect(connect(school, { username: user_id, password: key })).rejects.toThrow();
    await expect(connect(school, { wsOptions: { headers: { Authorization: `Bearer ${key}` } } })).rejects.toThrow();
  });

  it("has the rights of its role over MQTT too", async () => {
    const { key, user_id } = await makeKey("readonly");
    const reader = await connect(school, { username: user_id, password: key });
    const forbidden = `sentinel/${school.id}/devices/dev_01h455vb4pex5vsknk084sn02q/commands`;
    await expect(reader.publishAsync(forbidden, "{}", { qos: 1 })).rejects.toThrow();
    const viewer = await makeKey("viewer");
    const narrow = await connect(school, { username: viewer.user_id, password: viewer.key });
    await expect(narrow.subscribeAsync(`sentinel/${school.id}/#`)).rejects.toThrow();
  });

  it("goes with whoever made it and is shut out, unless it is left to others", async () => {
    const maker = await member("maker", "admin");
    const wanted = { name: "theirs", role: "admin", expires_at: expires };
    const { key, user_id } = await done<Key>(maker.api.send("POST", `${school.path}/api-keys`, wanted));
    const socket = await connect(school, { username: user_id, password: key });
    await allEnded([socket], () =>
      done(owner.api.send("PATCH", `${school.path}/members/${maker.userId}`, { role: "viewer" })),
    );
    expect((await new Api(url, key).send("GET", `${school.path}/devices`)).status).toBe(401);
  });

  it("is counted by itself, not by the address that it shares", async () => {
    const [first, second] = [await makeKey("viewer"), await makeKey("viewer")];
    const remaining = async (key: string): Promise<number> => {
      const { headers } = await new Api(url, key).send("GET", `${school.path}/devices`);
      return Number(/r=(\d+)/.exec(headers.get("RateLimit") ?? "")?.[1]);
    };
    const before = await remaining(first.key);
    await remaining(first.key);
    const other = await remaining(second.key);
    expect([await remaining(first.key), other]).toEqual([before - 2, before]);
  });
});

describe("another site's page in a browser that is signed in", () => {
  const types: [string, string | undefined, string | undefined][] = [
    ["a form", "application/x-www-form-urlencoded", "name=forged"],
    [
      "a form with files",
      "multipart/form-data; boundary=x",
      '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nforged\r\n--x--',
    ],
    ["plain text that is JSON", "text/plain", '{"name":"forged"}'],
    ["JSON", "application/json", '{"name":"forged"}'],
    ["JSON by another name", "application/csp-report", '{"name":"forged"}'],
    ["no type at all", undefined, undefined],
  ];
  /** What a browser says, or leaves out, when somebody else's page asks. */
  const origins: Record<string, string>[] = [
    {},
    { Origin: "null" },
    { Origin: "https://evil.test" },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "none" },
    { Referer: "https://evil.test/" },
  ];

  it.each(types)("changes nothing with %s, whichever method it uses and whatever it says of itself", async (...row) => {
    const [what, type, body] = row;
    const Cookie = `${sessionCookieName}=${await cookieOf(owner)}`;
    const group = await done<{ id: string }>(owner.api.send("POST", `${school.path}/groups`, { name: what }));
    const targets: [string, string][] = [
      ["POST", `${school.path}/groups`],
      ["PATCH", `${school.path}/groups/${group.id}`],
      ["PUT", `${school.path}/groups/${group.id}/members/${owner.userId}`],
      ["DELETE", `${school.path}/groups/${group.id}`],
      ["DELETE", "/api/v1/me/sessions"],
      ["POST", "/api/v1/auth/logout"],
    ];
    for (const [method, path] of targets) {
      // The PUT takes no body at all; any would be refused as too large.
      const sent = method === "PUT" ? undefined : body;
      for (const origin of [...origins, { Origin: url, "Sec-Fetch-Site": "cross-site" }]) {
        const json = type === "application/json";
        const headers = { Cookie, ...origin, ...(type === undefined ? {} : { "Content-Type": type }) };
        const answer = await new Api(url).send<Problem>(method, path, sent, headers);
        // What is no JSON is refused before anybody looks at who asks.
        const code = json || sent === undefined ? "csrf_denied" : "unsupported_media_type";
        expect([method, origin, answer.body.code]).toEqual([method, origin, code]);
      }
    }
    const after = await done<{ name: string }>(owner.api.send("GET", `${school.path}/groups/${group.id}`));
    expect(after.name).toBe(what);
    await done(owner.api.send("DELETE", `${school.path}/groups/${group.id}`));
  });

  it("gets no write out of a read: a method in a header or a query is nothing", async () => {
    const Cookie = `${sessionCookieName}=${await cookieOf(owner)}`;
    const group = await done<{ id: string }>(owner.api.send("POST", `${school.path}/groups`, { name: "read me" }));
    const path = `${school.path}/groups/${group.id}`;
    const over = {
      Cookie,
      "X-HTTP-Method-Override": "DELETE",
      "X-HTTP-Method": "DELETE",
      "X-Method-Override": "DELETE",
    };
    expect((await new Api(url).send("GET", path, undefined, over)).status).toBe(200);
    expect((await new Api(url).send("GET", `${path}?_method=DELETE`, undefined, { Cookie })).status).toBe(422);
    expect((await owner.api.send("GET", path)).status).toBe(200);
    await done(owner.api.send("DELETE", path));
  });

  it("gets nothing by a form even when a page of ours is made to send it: only JSON is read", async () => {
    const Cookie = `${sessionCookieName}=${await cookieOf(owner)}`;
    for (const [, type, body] of types.filter(([, name]) => name !== undefined && name !== "application/json")) {
      const headers = { Cookie, Origin: url, "Content-Type": type ?? "" };
      const answer = await new Api(url).send("POST", `${school.path}/groups`, body, headers);
      expect([type, answer.status]).toEqual([type, 415]);
    }
  });
});

describe("a cookie that somebody tossed into the browser", () => {
  const statusOf = (lines: readonly string[]): Promise<number> => rawGet(url, "/api/v1/me", lines);

  it("is not chosen between: two of our name are none, in one header or in two, in either order", async () => {
    const attacker = await newPerson(url, stack.description.mailDir, "tosser");
    const [mine, tossed] = [await cookieOf(owner), await cookieOf(attacker)];
    const pair = (secret: string) => `${sessionCookieName}=${secret}`;
    expect(await statusOf([`Cookie: ${pair(mine)}`])).toBe(200);
    for (const [first, second] of [
      [mine, tossed],
      [tossed, mine],
      [mine, mine],
      [mine, ""],
    ] as const) {
      expect(await statusOf([`Cookie: ${pair(first)}; ${pair(second)}`])).toBe(401);
      expect(await statusOf([`Cookie: ${pair(first)}`, `Cookie: ${pair(second)}`])).toBe(401);
    }
  });

  it("by another name opens nothing: what a sibling domain can set lacks the prefix, and no spelling stands in for it", async () => {
    const secret = await cookieOf(owner);
    for (const name of [
      "sentinel_session",
      "__Secure-sentinel_session",
      "__host-sentinel_session",
      "__Host-Sentinel_Session",
      "%5F_Host-sentinel_session",
      "__Host-sentinel_session[]",
      "=__Host-sentinel_session",
    ])
      expect([name, await statusOf([`Cookie: ${name}=${secret}`])]).toEqual([name, 401]);
  });

  it("that names no session opens nothing, and its refusal takes no newer one out of the browser", async () => {
    const answer = await withCookie("x".repeat(43));
    expect(answer.status).toBe(401);
    expect(answer.headers.get("Set-Cookie")).toBeNull();
  });
});
