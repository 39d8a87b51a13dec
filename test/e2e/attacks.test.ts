import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { generate } from "mqtt-packet";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sessionCookieName } from "../../core/rpc/studio.ts";
import { Api, browserSignIn, eventually, mailedToken, newPerson, signIn, testPassword } from "./support/api.ts";
import { ended, rawGet, rawStatus } from "./support/sockets.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";
import { done, type TestPerson } from "./support/things.ts";

/**
 * The whole system under attack: each test is one thing that somebody might try from outside. Those
 * that begin in a single unit are proved beside that unit; here stand the ones that cross several.
 */

interface Device {
  readonly org_id: string;
  readonly device_id: string;
  readonly token: string;
  readonly mqtt_url: string;
  readonly topic_prefix: string;
}
interface Problem {
  readonly code: string;
}

const suffix = crypto.randomUUID().slice(0, 8);
const school = `/api/v1/orgs/school-${suffix}`;
const rival = `/api/v1/orgs/rival-${suffix}`;
const cookieName = sessionCookieName;

let stack: BorrowedStack;
let url: string;
let owner: TestPerson;
/** Owner of another organisation: may do everything there. */
let stranger: TestPerson;
let schoolId: string;
let device: Device;
let otherDevice: Device;
let rivalDevice: Device;
let enrollmentCode: string;
/** Everything that must not be found in clear anywhere. */
const secrets = new Map<string, string>();

beforeAll(async () => {
  stack = await borrowStack();
  url = stack.description.url;
  owner = await person("owner");
  stranger = await person("stranger");
  schoolId = (
    await done<{ id: string }>(owner.api.send("POST", "/api/v1/orgs", { name: "School", slug: slugOf(school) }))
  ).id;
  await done(stranger.api.send("POST", "/api/v1/orgs", { name: "Rival", slug: slugOf(rival) }));
  enrollmentCode = await codeOf(owner, school);
  device = await enrolled(enrollmentCode, "pc-1");
  otherDevice = await enrolled(enrollmentCode, "pc-2");
  rivalDevice = await enrolled(await codeOf(stranger, rival), "rival-pc");
});
afterAll(async () => {
  await stack?.discard();
});

const clients: MqttClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.end(true);
});

const slugOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

async function person(name: string): Promise<TestPerson> {
  const made = await newPerson(url, stack.description.mailDir, name);
  secrets.set(`${name}'s access token`, made.api.token ?? "");
  secrets.set(`${name}'s refresh token`, made.refreshToken);
  return made;
}

async function codeOf(by: TestPerson, org: string): Promise<string> {
  const { code } = await done<{ code: string }>(
    by.api.send("POST", `${org}/enrollment-codes`, { name: "lab", max_uses: 20, expires_in_seconds: 600 }),
  );
  secrets.set(`the enrolment code of ${org}`, code);
  return code;
}

async function enrolled(code: string, name: string): Promise<Device> {
  const made = await done<Device>(new Api(url).send("POST", "/api/v1/enroll", { code, name, platform: "linux" }));
  secrets.set(`${name}'s token`, made.token);
  return made;
}

/** Invited by the owner and accepted. */
async function member(name: string, role: string): Promise<TestPerson> {
  const joined = await person(name);
  await done(owner.api.send("POST", `${school}/invitations`, { email: joined.email, role }));
  await done(joined.api.send("POST", "/api/v1/invitations/accept", { token: invitationOf(joined.email) }));
  // The token from before is for no organisation, and opens no hub.
  const inside = await signIn(url, joined.email, testPassword, school);
  secrets.set(`${name}'s scoped access token`, inside.api.token ?? "");
  secrets.set(`${name}'s refresh token inside`, inside.refreshToken);
  return { ...joined, ...inside };
}

const invitationOf = (email: string): string => mailedToken(stack.description.mailDir, email, "invitation");

async function cookieSession(of: TestPerson, cookie?: string): Promise<string> {
  const headers = cookie === undefined ? {} : { Cookie: `${cookieName}=${cookie}`, Origin: url };
  const secret = await browserSignIn(url, of.email, testPassword, headers);
  secrets.set(`a session of ${of.email}`, secret);
  return secret;
}

async function connect(address: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(address, {
    protocolVersion: 4,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    ...options,
  });
  // A refusal ends the connection; the tests look at the end itself.
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}
const asDevice = (of: Device, options: IClientOptions = {}): Promise<MqttClient> =>
  connect(of.mqtt_url, { username: of.device_id, password: of.token, ...options });
const asUser = (of: TestPerson, options: IClientOptions = {}): Promise<MqttClient> =>
  connect(device.mqtt_url, { username: of.userId, password: of.api.token ?? "", ...options });

/** The granted QoS, 128 for a refusal. */
function subscribe(client: MqttClient, filter: string): Promise<number> {
  return new Promise((resolve) => {
    client.subscribe(filter, { qos: 1 }, (_error, granted, packet) => {
      resolve((packet?.granted?.[0] as number | undefined) ?? granted?.[0]?.qos ?? 128);
    });
  });
}

/** The newest sequence number of an organisation's log. */
async function newestSeq(by: TestPerson, org: string): Promise<number> {
  const { items } = await done<{ items: { seq: number }[] }>(by.api.send("GET", `${org}/audit?limit=1`));
  return items[0]?.seq ?? -1;
}

interface Entry {
  readonly seq: number;
  readonly phase: string;
  readonly intent_seq: number | null;
  readonly event: Record<string, unknown>;
}
async function entriesSince(seq: number): Promise<Entry[]> {
  const { items } = await done<{ items: Entry[] }>(owner.api.send("GET", `${school}/audit?limit=200`));
  // Sums of what was refused or failed come up to a minute later, of an earlier test perhaps.
  const sums = ["edge_refusals", "repeated"];
  return items.filter((entry) => entry.seq > seq && !sums.includes(String(entry.event["type"]))).reverse();
}

/** What a WebSocket upgrade to the organisation's hub is answered with. */
const upgradeStatus = (headers: Readonly<Record<string, string>>): Promise<number> =>
  rawGet(url, `/mqtt/${schoolId}`, [
    ...["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: mqtt"],
    `Sec-WebSocket-Key: ${Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64")}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]);

describe("somebody who looks for accounts", () => {
  it("learns nothing by registering an address and signing in with the password just chosen", async () => {
    const guest = new Api(url);
    const ask = async (email: string) => {
      const password = "an attacker's own passphrase 1";
      await done(guest.send("POST", "/api/v1/auth/register", { email, password, name: "Not me" }));
      const { status, body } = await guest.send<Problem>("POST", "/api/v1/auth/login", { email, password });
      return { status, code: body.code };
    };
    expect(await ask(`nobody-${suffix}@people.test`)).toEqual(await ask(owner.email));
  });

  it("gets one answer for a wrong password, an unknown address and a stranger at an organisation's door", async () => {
    const guest = new Api(url);
    const at = async (door: string, email: string, password: string) => {
      const { status, body } = await guest.send<Problem>("POST", `${door}/auth/login`, { email, password });
      return { status, code: body.code };
    };
    const refused = { status: 401, code: "invalid_credentials" };
    expect(await at("/api/v1", owner.email, "a password that is not it")).toEqual(refused);
    expect(await at("/api/v1", `nobody-${suffix}@x.test`, testPassword)).toEqual(refused);
    expect(await at(school, stranger.email, testPassword)).toEqual(refused);
  });
});

describe("somebody with a stolen session", () => {
  it("can't use a refresh token whose successor was used: session, tokens and sockets end for both", async () => {
    const victim = await member("robbed", "admin");
    const socket = await asUser(victim);
    const refresh = (token: string) =>
      new Api(url).send<{ refresh_token: string }>("POST", "/api/v1/auth/refresh", { refresh_token: token });
    const first = await refresh(victim.refreshToken);
    const second = await refresh(first.body.refresh_token);
    expect([first.status, second.status]).toEqual([200, 200]);
    const closed = ended(socket);
    expect((await refresh(victim.refreshToken)).status).toBe(401);
    expect((await refresh(second.body.refresh_token)).status).toBe(401);
    expect((await victim.api.send("GET", "/api/v1/me")).status).toBe(401);
    await closed;
    await expect(asUser(victim)).rejects.toThrow();
  });

  it("holds nothing once its owner signed out: cookie, token, refresh token, open socket, new socket", async () => {
    const victim = await member("signed-out", "admin");
    const socket = await asUser(victim);
    const closed = ended(socket);
    await done(victim.api.send("POST", "/api/v1/auth/logout"));
    await closed;
    expect((await victim.api.send("GET", "/api/v1/me")).status).toBe(401);
    expect(
      (await new Api(url).send("POST", "/api/v1/auth/refresh", { refresh_token: victim.refreshToken })).status,
    ).toBe(401);
    await expect(asUser(victim)).rejects.toThrow();
  });

  it("can't open the hub of an organisation that was joined after the sign-out", async () => {
    const victim = await person("late");
    await done(victim.api.send("POST", "/api/v1/auth/logout"));
    const { api } = await signIn(url, victim.email, testPassword);
    await done(owner.api.send("POST", `${school}/invitations`, { email: victim.email, role: "admin" }));
    await done(api.send("POST", "/api/v1/invitations/accept", { token: invitationOf(victim.email) }));
    await asUser({ ...victim, api: (await signIn(url, victim.email, testPassword, school)).api });
    await expect(asUser(victim)).rejects.toThrow();
  });

  it("can't plant a session: signing in makes a new one and the planted one dies", async () => {
    const planted = await cookieSession(stranger);
    const fresh = await cookieSession(owner, planted);
    const me = (secret: string) =>
      new Api(url).send("GET", "/api/v1/me", undefined, { Cookie: `${cookieName}=${secret}` });
    expect(fresh).not.toBe(planted);
    expect((await me(planted)).status).toBe(401);
    expect((await me(fresh)).status).toBe(200);
    const two = { Cookie: `${cookieName}=${planted}; ${cookieName}=${fresh}` };
    expect((await new Api(url).send("GET", "/api/v1/me", undefined, two)).status).toBe(401);
  });

  it("can't ride on the browser: a cookie pays for no write and no socket without our own origin", async () => {
    const Cookie = `${cookieName}=${await cookieSession(owner)}`;
    const guest = new Api(url);
    const proofs: Record<string, string>[] = [
      {},
      { Origin: "null" },
      { Origin: "https://evil.test" },
      { Origin: `${url}.evil.test` },
      { Origin: url, "Sec-Fetch-Site": "cross-site" },
      { Origin: url, "Sec-Fetch-Site": "same-site" },
    ];
    for (const proof of proofs) {
      const answer = await guest.send<Problem>("POST", `${school}/groups`, { name: "forged" }, { Cookie, ...proof });
      expect([answer.status, answer.body.code, proof]).toEqual([403, "csrf_denied", proof]);
      expect([await upgradeStatus({ Cookie, ...proof }), proof]).toEqual([403, proof]);
    }
    const forged = { email: stranger.email, password: testPassword };
    const signIns = await guest.send<Problem>("POST", "/api/v1/auth/login", forged, { Origin: "https://evil.test" });
    expect(signIns.body.code).toBe("csrf_denied");
    const own = await guest.send("POST", `${school}/groups`, { name: "meant" }, { Cookie, Origin: url });
    expect([own.status, await upgradeStatus({ Cookie, Origin: url })]).toEqual([201, 101]);
  });

  it("can't forge a token: no algorithm, another algorithm, another person, another key, another type", async () => {
    const [head = "", body = "", signature = ""] = (owner.api.token ?? "").split(".");
    const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
    const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const header = decode(head);
    const forged = [
      `${encode({ ...header, alg: "none" })}.${body}.`,
      `${encode({ ...header, alg: "HS256" })}.${body}.${signature}`,
      `${head}.${encode({ ...decode(body), sub: stranger.userId })}.${signature}`,
      `${encode({ ...header, kid: "mine", jwk: { kty: "OKP" }, jku: "https://evil.test" })}.${body}.${signature}`,
      `${encode({ ...header, typ: "sentinel-assertion+jwt" })}.${body}.${signature}`,
    ];
    for (const token of forged) {
      expect((await new Api(url, token).send<Problem>("GET", "/api/v1/me")).body.code).toBe("invalid_token");
      await expect(connect(device.mqtt_url, { username: owner.userId, password: token })).rejects.toThrow();
    }
  });
});

describe("a member who wants more", () => {
  it("as admin makes no owner, unmakes none, removes none and invites none", async () => {
    const admin = await member("climber", "admin");
    const path = `${school}/members`;
    const tries = [
      await admin.api.send("PATCH", `${path}/${admin.userId}`, { role: "owner" }),
      await admin.api.send("PATCH", `${path}/${owner.userId}`, { role: "viewer" }),
      await admin.api.send("DELETE", `${path}/${owner.userId}`),
      await admin.api.send("POST", `${school}/invitations`, { email: "friend@x.test", role: "owner" }),
    ];
    expect(tries.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    expect((await owner.api.send<Problem>("DELETE", `${path}/${owner.userId}`)).body.code).toBe("last_owner");
  });

  it("loses a taken role with the next request and on the open socket, whatever the old token says", async () => {
    const admin = await member("demoted", "admin");
    const socket = await asUser(admin);
    expect((await admin.api.send("GET", `${school}/audit`)).status).toBe(200);
    const closed = ended(socket);
    await done(owner.api.send("PATCH", `${school}/members/${admin.userId}`, { role: "viewer" }));
    expect((await admin.api.send("GET", `${school}/audit`)).status).toBe(403);
    await closed;
    const again = await asUser(admin);
    expect(await subscribe(again, `sentinel/${schoolId}/#`)).toBe(128);
    const refused = ended(again);
    again.publish(`${device.topic_prefix}commands`, "{}", { qos: 1 });
    await refused;
    await done(owner.api.send("DELETE", `${school}/members/${admin.userId}`));
    expect((await admin.api.send("GET", school)).status).toBe(401);
    await expect(asUser(admin)).rejects.toThrow();
    expect((await (await signIn(url, admin.email, testPassword)).api.send("GET", school)).status).toBe(404);
  });

  it("sees as viewer or analyst the devices of the own groups and no others, by API and by MQTT", async () => {
    const analyst = await member("analyst", "analyst");
    const group = await done<{ id: string }>(owner.api.send("POST", `${school}/groups`, { name: `own ${suffix}` }));
    await done(owner.api.send("PUT", `${school}/groups/${group.id}/members/${analyst.userId}`));
    await done(owner.api.send("PUT", `${school}/groups/${group.id}/devices/${device.device_id}`));
    const foreign = `${school}/devices/${otherDevice.device_id}`;
    for (const path of [foreign, `${foreign}/telemetry`, `${foreign}/commands`])
      expect((await analyst.api.send("GET", path)).status).toBe(404);
    const seen = await done<{ items: { id: string }[] }>(analyst.api.send("GET", `${school}/devices`));
    expect(seen.items.map(({ id }) => id)).toEqual([device.device_id]);
    for (const path of ["members", "audit", "enrollment-codes", "invitations", "policies/geo"])
      expect([(await analyst.api.send("GET", `${school}/${path}`)).status, path]).toEqual([403, path]);
    const socket = await asUser(analyst);
    const prefix = `sentinel/${schoolId}/devices`;
    expect(await subscribe(socket, `${device.topic_prefix}#`)).toBe(1);
    for (const filter of [`${prefix}/+/telemetry`, `${prefix}/#`, `${otherDevice.topic_prefix}#`, "#", "+/#"])
      expect([await subscribe(socket, filter), filter]).toEqual([128, filter]);
    const closed = ended(socket);
    await done(owner.api.send("DELETE", `${school}/groups/${group.id}/devices/${device.device_id}`));
    await closed;
  });

  it("publishes nothing as readonly, not even as a will", async () => {
    const reader = await member("reader", "readonly");
    const topic = `${device.topic_prefix}commands`;
    await expect(asUser(reader, { will: { topic, payload: Buffer.from("{}"), qos: 1 } })).rejects.toThrow();
    const socket = await asUser(reader);
    expect(await subscribe(socket, `sentinel/${schoolId}/devices/+/telemetry`)).toBe(1);
    const closed = ended(socket);
    socket.publish(topic, '{"name":"ping"}', { qos: 1 });
    await closed;
    expect(
      (await reader.api.send("POST", `${school}/devices/${device.device_id}/commands`, { name: "ping" })).status,
    ).toBe(403);
  });

  it("can't use an invitation that is another's, spent, withdrawn or made by somebody who lost the right", async () => {
    const guest = await person("guest");
    const thief = await person("thief");
    const accept = async (by: TestPerson, body: unknown) =>
      (await by.api.send("POST", "/api/v1/invitations/accept", body)).status;
    const invite = (by: TestPerson) =>
      done<{ id: string }>(by.api.send("POST", `${school}/invitations`, { email: guest.email, role: "viewer" }));
    const first = await invite(owner);
    const token = invitationOf(guest.email);
    expect(await accept(thief, { token })).toBe(404);
    expect(await accept(guest, { token, role: "owner" })).toBe(422);
    await done(owner.api.send("DELETE", `${school}/invitations/${first.id}`));
    expect(await accept(guest, { token })).toBe(404);
    const admin = await member("inviter", "admin");
    await invite(admin);
    const voided = invitationOf(guest.email);
    await done(owner.api.send("PATCH", `${school}/members/${admin.userId}`, { role: "viewer" }));
    expect(await accept(guest, { token: voided })).toBe(404);
    await invite(owner);
    const good = invitationOf(guest.email);
    secrets.set("an invitation", good);
    const both = await Promise.all([accept(guest, { token: good }), accept(guest, { token: good })]);
    expect(both.sort()).toEqual([200, 404]);
    await done(owner.api.send("DELETE", `${school}/members/${guest.userId}`));
    const again = { ...guest, ...(await signIn(url, guest.email, testPassword)) };
    expect(await accept(again, { token: good })).toBe(404);
  });
});

describe("the owner of another organisation", () => {
  it("can't use a cursor, a group, a member or an idempotency key across the border", async () => {
    await done(owner.api.send("POST", `${school}/enrollment-codes`, { name: "second" }));
    const page = await done<{ next_cursor: string }>(owner.api.send("GET", `${school}/devices?limit=1`));
    const foreign = await stranger.api.send<Problem>("GET", `${rival}/devices?cursor=${page.next_cursor}`);
    expect(foreign.body.code).toBe("invalid_cursor");
    const otherList = await owner.api.send<Problem>("GET", `${school}/groups?cursor=${page.next_cursor}`);
    expect(otherList.body.code).toBe("invalid_cursor");

    const group = await done<{ id: string }>(stranger.api.send("POST", `${rival}/groups`, { name: `r ${suffix}` }));
    const into = `${rival}/groups/${group.id}`;
    expect((await stranger.api.send("PUT", `${into}/members/${owner.userId}`)).status).toBe(404);
    expect((await stranger.api.send("PUT", `${into}/devices/${device.device_id}`)).status).toBe(404);

    const key = { "Idempotency-Key": `shared-${suffix}` };
    const body = { name: "codes", max_uses: 1 };
    const mine = await owner.api.send<{ code: string }>("POST", `${school}/enrollment-codes`, body, key);
    const theirs = await stranger.api.send<{ code: string }>("POST", `${rival}/enrollment-codes`, body, key);
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.headers.get("Idempotency-Replayed")).toBeNull();
    expect(theirs.body.code).not.toBe(mine.body.code);
    secrets.set("a code that was kept for a retry", mine.body.code);
  });

  it("gets no socket at our address with a token or a device of the own", async () => {
    await expect(
      connect(device.mqtt_url, { username: stranger.userId, password: stranger.api.token ?? "" }),
    ).rejects.toThrow();
    await expect(
      connect(device.mqtt_url, { username: rivalDevice.device_id, password: rivalDevice.token }),
    ).rejects.toThrow();
    await expect(
      connect(device.mqtt_url, { username: device.device_id, password: rivalDevice.token }),
    ).rejects.toThrow();
    // A token for no organisation opens none.
    const Authorization = `Bearer ${stranger.api.token}`;
    const upgraded = await new Promise<boolean>((resolve) => {
      // Node takes headers here (WebSocketInit), which the browser's own types don't know.
      const init = { protocols: "mqtt", headers: { Authorization } } as unknown as string[];
      const socket = new WebSocket(device.mqtt_url, init);
      socket.addEventListener("open", () => resolve(true));
      socket.addEventListener("error", () => resolve(false));
    });
    expect(upgraded).toBe(false);
    // Scoped to one's own organisation, at another's address.
    const scoped = await new Api(url).send<{ access_token: string }>("POST", `${rival}/auth/login?tokens=1`, {
      email: stranger.email,
      password: testPassword,
    });
    const options = { username: stranger.userId, password: scoped.body.access_token };
    await expect(connect(device.mqtt_url, options)).rejects.toThrow();
    await connect(rivalDevice.mqtt_url, options);
  });

  it("enrols nothing into the own organisation with our code, and every wrong code gets one answer", async () => {
    const wrong = `${slugOf(school)}-AAAAA-BBBBB-CCCCC-DDDDD`;
    const attempts: [string, string][] = [
      [`${rival}/enroll`, enrollmentCode],
      [`${rival}/enroll`, enrollmentCode.replace(slugOf(school), slugOf(rival))],
      ["/api/v1/enroll", wrong],
      ["/api/v1/enroll", `nobody-${suffix}-AAAAA-BBBBB-CCCCC-DDDDD`],
      ["/api/v1/enroll", "x"],
    ];
    const answers = new Set<string>();
    for (const [path, code] of attempts) {
      const { status, body } = await new Api(url).send("POST", path, { code, name: "x", platform: "x" });
      answers.add(JSON.stringify({ status, ...(body as object), request_id: null }));
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain("invalid_enrollment_code");
  });
});

describe("a device in a thief's hands", () => {
  it.each<[string, () => string]>([
    ["another device's telemetry", () => `${otherDevice.topic_prefix}telemetry`],
    ["another organisation's device", () => `${rivalDevice.topic_prefix}telemetry`],
    ["its own commands", () => `${device.topic_prefix}commands`],
    ["its own desired state, deeper", () => `${device.topic_prefix}desired/x`],
    ["the broker's own topics", () => "$SYS/broker/uptime"],
    ["an empty level where a device stands", () => `sentinel/${schoolId}/devices//telemetry`],
    ["a traversal", () => `${device.topic_prefix}../${otherDevice.device_id}/telemetry`],
  ])("is cut off when it publishes to %s, and may not leave it as a will", async (_what, topic) => {
    const will = { topic: topic(), payload: Buffer.from("{}"), qos: 1, retain: true } as const;
    await expect(asDevice(device, { will })).rejects.toThrow();
    const client = await asDevice(device);
    const closed = ended(client);
    client.publish(topic(), "{}", { qos: 1, retain: true });
    await closed;
  });

  it("subscribes to its own topics alone, shared subscriptions included", async () => {
    const client = await asDevice(device);
    expect(await subscribe(client, `${device.topic_prefix}commands`)).toBe(1);
    const outside = [
      "#",
      "+/+/+/+/#",
      "$SYS/#",
      `sentinel/${schoolId}/#`,
      `sentinel/${schoolId}/devices/+/commands`,
      `${otherDevice.topic_prefix}commands`,
      `${rivalDevice.topic_prefix}#`,
      `$share/g/${otherDevice.topic_prefix}commands`,
      "$share/g/#",
      `${device.topic_prefix}../#`,
    ];
    for (const filter of outside) expect([await subscribe(client, filter), filter]).toEqual([128, filter]);
  });

  it("is cut off when it subscribes to what is no filter", async () => {
    const client = await asDevice(device);
    const closed = ended(client);
    client.subscribe(`$share//${device.topic_prefix}commands`, { qos: 1 }, () => undefined);
    await closed;
  });

  it("is out within the answer when it is removed or its token replaced, and never comes back", async () => {
    const stolen = await enrolled(enrollmentCode, "stolen");
    const first = await asDevice(stolen);
    const replaced = ended(first);
    const path = `${school}/devices/${stolen.device_id}`;
    const { token } = await done<{ token: string }>(owner.api.send("POST", `${path}/token`));
    secrets.set("a replaced token", token);
    await replaced;
    await expect(asDevice(stolen)).rejects.toThrow();
    const second = await asDevice({ ...stolen, token });
    const removed = ended(second);
    await done(owner.api.send("DELETE", path));
    await removed;
    await expect(asDevice({ ...stolen, token })).rejects.toThrow();
  });

  it("gains nothing by being odd: huge client ids, 33 sessions, a second CONNECT, text, no CONNECT", async () => {
    await expect(asDevice(device, { clientId: "x".repeat(300) })).rejects.toThrow();
    const crowd = await Promise.all(
      Array.from({ length: 32 }, (_, index) => asDevice(otherDevice, { clientId: `c${index}` })),
    );
    await expect(asDevice(otherDevice, { clientId: "one-too-many" })).rejects.toThrow();
    expect(crowd.every((client) => client.connected)).toBe(true);

    const hello = generate({
      cmd: "connect",
      clientId: "odd",
      protocolVersion: 4,
      username: device.device_id,
      password: Buffer.from(device.token),
    });
    const closedBy = (send: (socket: WebSocket) => void): Promise<number> =>
      new Promise((resolve) => {
        const socket = new WebSocket(device.mqtt_url, "mqtt");
        socket.addEventListener("open", () => send(socket));
        socket.addEventListener("close", (event) => resolve(event.code));
      });
    expect(await closedBy((socket) => socket.send("text"))).toBe(1003);
    expect(await closedBy((socket) => socket.send(new Uint8Array([0xc0, 0])))).toBe(1002);
    expect(await closedBy((socket) => socket.send(new Uint8Array([...hello, ...hello])))).toBe(1002);
    // A remaining length beyond every packet of ours, announced and never sent.
    expect(await closedBy((socket) => socket.send(new Uint8Array([0x30, 0xff, 0xff, 0xff, 0x7f])))).toBe(1002);
  });

  it("doesn't buy a new allowance of upgrades with each made-up token", async () => {
    const remaining = async (token: string): Promise<number> => {
      const answer = await new Api(url, token).send("GET", `/mqtt/${schoolId}`, undefined, {
        "CF-Connecting-IP": "203.0.113.9",
      });
      return Number(/;r=(\d+);/.exec(answer.headers.get("RateLimit") ?? "")?.[1]);
    };
    const first = await remaining(`sdt_${"A".repeat(43)}`);
    expect(await remaining(`sdt_${"B".repeat(43)}`)).toBe(first - 1);
  });
});

describe("somebody at the door", () => {
  it("is not believed about who, where or what: inward headers, addresses, routes", async () => {
    const forged = {
      "X-Sentinel-Request-Id": "req_00000000000000000000000000",
      "X-Sentinel-Route": "health",
      "X-Sentinel-Org": schoolId,
      "X-Sentinel-Credential": "bearer",
      "X-Sentinel-Client-Ip": "10.0.0.1",
      "X-Forwarded-For": "10.0.0.1",
      "X-HTTP-Method-Override": "GET",
      "X-Original-URL": "/healthz",
    };
    const answer = await new Api(url).send<Problem>("GET", `${school}/devices`, undefined, forged);
    expect([answer.status, answer.body.code]).toEqual([401, "unauthenticated"]);
    expect(answer.headers.get("X-Request-Id")).not.toBe(forged["X-Sentinel-Request-Id"]);
    const before = await signIn(url, owner.email, testPassword);
    const { items } = await done<{ items: { current: boolean; ip: string }[] }>(
      before.api.send("GET", "/api/v1/me/sessions", undefined, forged),
    );
    expect(items.find(({ current }) => current)?.ip).toBe("127.0.0.1");
    const twice = [`Authorization: Bearer ${owner.api.token}`, "Authorization: Bearer x"];
    expect(await rawGet(url, "/api/v1/me", twice)).toBe(401);
  });

  it.each([
    "//api/v1/me",
    "/api//v1/me",
    "/api/v1/me/",
    "/api/v1/me;x=1",
    "/api/v1/%6de",
    "/API/v1/me",
    "/healthz%2f..%2fapi/v1/me",
    "/api/v1/me%00",
    "/api/v1/me%20",
    "/assets/..;/api/v1/me",
  ])("finds no second spelling of a path: %s", async (path) => {
    expect([400, 403, 404]).toContain(await rawGet(url, path, [`Authorization: Bearer ${owner.api.token}`]));
  });

  it("can't upset what parses: nesting, prototypes, duplicate keys, two lengths, a body beyond its size", async () => {
    const post = async (body: string, headers: Record<string, string> = {}) =>
      (await owner.api.send("POST", `${school}/groups`, body, headers)).status;
    expect(await post("[".repeat(20_000) + "]".repeat(20_000))).toBe(403);
    expect(await post('{"__proto__":{"role":"owner"},"name":"x"}')).toBe(403);
    expect(await post('{"constructor":{"prototype":{"x":1}},"name":"x"}')).toBe(403);
    expect(await post('{"name":"fine","name":"<script>alert(1)</script>"}')).toBe(403);
    expect(await post(`{"name":"${"x".repeat(70_000)}"}`)).toBe(413);
    expect(await post('{"name":"x"}', { "Content-Type": "text/plain" })).toBe(415);
    const head = [`POST ${school}/groups HTTP/1.1`, "Host: x", `Authorization: Bearer ${owner.api.token}`];
    const json = "Content-Type: application/json";
    const chunk = "x".repeat(70_000);
    const chunked = [...head, json, "Transfer-Encoding: chunked", "", chunk.length.toString(16), chunk, "0", "", ""];
    expect(await rawStatus(url, chunked.join("\r\n"))).toBe(413);
    const lengths = [...head, json, "Content-Length: 2", "Content-Length: 12", "", '{"name":"x"}'];
    expect(await rawStatus(url, lengths.join("\r\n"))).toBe(400);
  });

  it("is not mistaken for an attacker by a name that honest people have", async () => {
    const names = ["O'Brien & Sons", "Select from list; drop by", "Lab #3 -- physics", "<3 Maths", "विद्यालय कक्ष २"];
    for (const name of names)
      expect([(await owner.api.send("POST", `${school}/groups`, { name })).status, name]).toEqual([201, name]);
  });
});

describe("the audit log", () => {
  it("grows by nothing that somebody unknown sends, but for tries at a code or a password", async () => {
    const before = await newestSeq(owner, school);
    const guest = new Api(url);
    for (let index = 0; index < 20; index += 1) {
      await guest.send("GET", `${school}/devices`);
      await guest.send("POST", `${school}/groups`, { name: "' OR 1=1 --" });
      await guest.send("GET", `${school}/devices`, undefined, {
        "MF-CF-Blob": '{"country":"US","tlsVersion":"TLSv1.3"}',
      });
      await new Api(url, "forged").send("GET", `${school}/devices`);
      await stranger.api.send("GET", `${school}/devices`);
    }
    const added = await entriesSince(before);
    // The question that asked for `before` is an event itself.
    expect(added.map(({ event }) => event["endpoint"])).toEqual(["/api/v1/orgs/{org}/audit"]);
  });

  it("has intent and outcome of each change, failed ones too, and one event of each read and denial", async () => {
    const viewer = await member("watched", "viewer");
    const before = await newestSeq(owner, school);
    await owner.api.send("POST", `${school}/groups`, { name: `audited ${suffix}` });
    await owner.api.send("POST", `${school}/groups`, { name: `audited ${suffix}` });
    await owner.api.send("PATCH", `${school}/members/${viewer.userId}`, { role: "analyst" });
    await viewer.api.send("GET", `${school}/members`);
    await viewer.api.send("GET", `${school}/devices`);
    const entries = (await entriesSince(before)).filter(
      ({ event }) => event["endpoint"] !== "/api/v1/orgs/{org}/audit",
    );
    const seen = entries.map(({ phase, event }) => {
      if (event["type"] === "role_change")
        return `role ${event["old_role"]}→${event["new_role"]} by ${event["admin_id"]}`;
      if (event["type"] === "access_denied") return `denied ${event["code"]} to ${event["user_id"]}`;
      return `${phase} ${event["method"]} ${String(event["endpoint"]).slice("/api/v1/orgs/{org}".length)} ${event["status_code"]}`;
    });
    expect(seen).toEqual([
      "intent POST /groups null",
      "outcome POST /groups 201",
      "intent POST /groups null",
      "outcome POST /groups 409",
      "intent PATCH /members/{user} null",
      "outcome PATCH /members/{user} 200",
      `role viewer→analyst by ${owner.userId}`,
      "event GET /members 403",
      `denied forbidden to ${viewer.userId}`,
      "event GET /devices 200",
    ]);
    expect(entries.filter(({ phase }) => phase === "outcome").every(({ intent_seq }) => intent_seq !== null)).toBe(
      true,
    );
  });
});

describe("a thief of the disks", () => {
  it("finds no password, token, cookie or code in clear in databases, objects or logs", async () => {
    secrets.set("the password", testPassword);
    // What waits in memory reaches the disk when the log drains.
    await eventually("the log drains", async () => (await newestSeq(owner, school)) > 0);
    const needles = [...secrets].map(([what, secret]) => ({ what, bytes: Buffer.from(secret) }));
    // What is no secret is found: the search does see what is there.
    needles.push({ what: "control", bytes: Buffer.from(owner.userId) });
    const found = new Set<string>();
    for (const folder of ["postgres", "workers"]) {
      const files = readdirSync(join(stack.stateDir, folder), { recursive: true, withFileTypes: true });
      for (const file of files.filter((entry) => entry.isFile())) {
        const content = readFileSync(join(file.parentPath, file.name));
        for (const { what, bytes } of needles) if (content.includes(bytes)) found.add(`${what} in ${folder}`);
      }
    }
    expect([...found].sort()).toEqual(["control in postgres", "control in workers"]);
  });
});
