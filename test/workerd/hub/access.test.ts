import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { sha256Hex } from "../../../durable-objects/tenant-hub/authenticate.ts";
import { resetIngest } from "./fake-ingest.ts";
import {
  accessToken,
  Client,
  countRows,
  enrol,
  entrypoints,
  evict,
  joinAndConnect,
  newDevice,
  newGroup,
  newOrg,
  newSession,
  newToken,
  newUser,
  passTime,
  refused,
  ringAlarm,
  stopClock,
  studio,
  type TestDevice,
  userCall,
} from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

const hub = entrypoints.HubControl;
describe("the upgrade", () => {
  it("is refused without an upgrade, a subprotocol or an organisation", async () => {
    const org = newOrg();
    expect((await Client.upgrade({ "X-Sentinel-Org": org, Upgrade: "h2c" })).status).toBe(426);
    expect((await Client.upgrade({ "X-Sentinel-Org": org, "Sec-WebSocket-Protocol": "mqttv3.1" })).status).toBe(400);
    expect((await Client.upgrade({ "X-Sentinel-Org": "org_1" })).status).toBe(400);
  });

  it("chooses the subprotocol mqtt", async () => {
    const response = await Client.upgrade({ "X-Sentinel-Org": newOrg(), "Sec-WebSocket-Protocol": "x, mqtt" });
    expect([response.status, response.headers.get("Sec-WebSocket-Protocol")]).toEqual([101, "mqtt"]);
    response.webSocket?.accept();
    response.webSocket?.close();
  });

  it.each(["Basic x", "Bearer sdt_short", "Bearer a.b.c"])("refuses the credential %s", async (authorization) => {
    expect((await Client.upgrade({ "X-Sentinel-Org": newOrg(), Authorization: authorization })).status).toBe(401);
  });
});

describe("a device's credentials", () => {
  it("may come with the upgrade, then CONNECT needs none", async () => {
    const device = await enrol(newOrg());
    const client = await Client.open(device.org, { Authorization: `Bearer ${device.token}` });
    expect(await client.connect({})).toMatchObject({ reasonCode: 0 });
    const other = await enrol(device.org);
    const liar = await Client.open(device.org, { Authorization: `Bearer ${device.token}` });
    expect(await liar.connect({ username: other.id })).toMatchObject({
      reasonCode: reasonCodes.bad_user_name_or_password,
    });
  });

  it("are refused alike when the token is wrong, another's, or the device unknown", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const other = await enrol(org);
    const foreign = await enrol(newOrg());
    const attempts: [string | null, string | null][] = [
      [device.id, newToken()],
      [device.id, other.token],
      [device.id, "password"],
      [newDevice(), device.token],
      [foreign.id, foreign.token],
      [newUser(), device.token],
      ["root", device.token],
      [device.id, null],
      [null, null],
    ];
    for (const [username, password] of attempts) {
      const client = await Client.open(org);
      expect(await client.connect({ username, password })).toEqual({
        type: "connack",
        sessionPresent: false,
        reasonCode: reasonCodes.bad_user_name_or_password,
        properties: null,
      });
      expect(await client.next()).toMatchObject({
        type: "closed",
        code: 1008,
        reason: "the credentials are not valid",
      });
    }
  });

  it("end with their socket when the device is removed, at once", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    await hub.removeDevice(await userCall(org), org, device.id);
    expect(await client.next()).toMatchObject({ type: "closed", reason: "the device was removed" });
    await evict(org);
    const again = await Client.open(org);
    expect(await again.connect({ username: device.id, password: device.token })).toMatchObject({
      reasonCode: reasonCodes.bad_user_name_or_password,
    });
  });

  it("end with their socket when the token is replaced", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    const token = newToken();
    await hub.putDevice(await userCall(org), org, device.id, sha256Hex(token));
    expect(await client.next()).toMatchObject({ type: "closed", reason: "the token was replaced" });
    await Client.device({ ...device, token });
  });
});

describe("a user's credentials", () => {
  it("are an access token of the user that CONNECT names, for this organisation and no other", async () => {
    const org = newOrg();
    const user = newUser();
    await hub.putMember(await userCall(org), org, user, "owner");
    const connect = async (username: string | null, password: string) => {
      const client = await Client.open(org);
      return client.connect({ username, password });
    };
    expect(await connect(user, await accessToken(org, user, "owner"))).toMatchObject({ reasonCode: 0 });
    // One for no organisation is given to whoever does not satisfy the organisation's policies, too.
    expect(await connect(user, await accessToken(null, user, null))).toMatchObject({
      reasonCode: reasonCodes.bad_user_name_or_password,
    });
    expect(await connect(user, await accessToken(newOrg(), user, "owner"))).toMatchObject({
      reasonCode: reasonCodes.bad_user_name_or_password,
    });
    expect(await connect(newUser(), await accessToken(org, user, "owner"))).toMatchObject({
      reasonCode: reasonCodes.bad_user_name_or_password,
    });
    expect(await connect(user, "a.b.c")).toMatchObject({ reasonCode: reasonCodes.bad_user_name_or_password });
    const stranger = newUser();
    expect(await connect(stranger, await accessToken(org, stranger, "owner"))).toMatchObject({
      reasonCode: reasonCodes.not_authorized,
    });
  });

  it("may come with the upgrade, as the edge sends a cookie's", async () => {
    const org = newOrg();
    const user = newUser();
    await hub.putMember(await userCall(org), org, user, "viewer");
    const token = await accessToken(org, user, "viewer");
    const client = await Client.open(org, { Authorization: `Bearer ${token}` });
    expect(await client.connect({ clean: true, clientId: "" })).toMatchObject({ reasonCode: 0 });
  });

  it("take the role that the hub knows, not the one in the token", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const user = newUser();
    await hub.putMember(await userCall(org), org, user, "viewer");
    const client = await Client.open(org);
    await client.connect({ username: user, password: await accessToken(org, user, "owner") });
    expect(await client.subscribe([`sentinel/${org}/devices/+/status`])).toEqual([0x80]);
    expect(await client.publish(device.topic("commands"), "x")).toMatchObject({ type: "closed" });
  });

  it("end when the token does", async () => {
    const org = newOrg();
    const client = await joinAndConnect(org, "owner");
    await evict(org);
    passTime(3600_000 + 1000);
    await ringAlarm(org);
    expect(await client.next()).toMatchObject({ type: "closed", reason: expect.stringContaining("token") });
  });

  it("end when the login session does, and don't come back with the same token", async () => {
    const org = newOrg();
    const user = newUser();
    const sid = newSession();
    await hub.putMember(await userCall(org), org, user, "admin");
    const token = await accessToken(org, user, "admin", sid);
    const client = await Client.open(org);
    await client.connect({ username: user, password: token });
    await hub.endSessions(await userCall(org, "viewer"), org, [sid]);
    expect(await client.isQuiet()).toBe(true);
    await hub.endSessions(await userCall(org, "viewer", user), org, [sid]);
    expect(await client.next()).toMatchObject({ type: "closed", reason: "the session ended" });
    await evict(org);
    const again = await Client.open(org);
    expect(await again.connect({ username: user, password: token })).toMatchObject({
      reasonCode: reasonCodes.not_authorized,
    });
  });
});

describe("a device's rights", () => {
  it("are its own namespace, whatever shape the attempt takes", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const other = await enrol(org);
    const client = await Client.device(device);
    const own = device.topic("");
    const attacks = [
      "#",
      "+/#",
      "$SYS/#",
      "$share/g/#",
      `$share/g/sentinel/${org}/#`,
      "sentinel/+/devices/+/status",
      `sentinel/${org}/devices/+/status`,
      `sentinel/${org}/devices/#`,
      `sentinel/${newOrg()}/devices/${device.id}/status`,
      other.topic("status"),
      `sentinel/${org}/devices/${device.id}x/status`,
      `${own}../${other.id}/status`,
      `${own}./status`,
      device.topic(),
    ];
    expect(await client.subscribe(attacks)).toEqual(attacks.map(() => 0x80));
    const granted = [device.topic("#"), device.topic("+", "x"), `$share/g/${device.topic("commands")}`, `${own}/x`];
    expect(await client.subscribe(granted, 2)).toEqual([2, 2, 2, 2]);
  });

  it("are not asked about what is no filter: the connection ends, and nothing beside it is granted", async () => {
    const device = await enrol(newOrg());
    for (const malformed of [`$share//${device.topic("x")}`, device.topic("a#"), device.topic("#", "a"), ""]) {
      const client = await Client.device(device);
      const filters = [device.topic("x"), malformed];
      await expect(client.subscribe(filters)).rejects.toThrow("malformed topic filter");
      expect(await countRows(device.org, "subscriptions")).toBe(0);
    }
  });

  const forbidden: readonly [string, (own: TestDevice, other: TestDevice) => string][] = [
    ["its own commands", (own) => own.topic("commands")],
    ["its own desired", (own) => own.topic("desired")],
    ["below its own commands", (own) => own.topic("commands", "x")],
    ["another device's telemetry", (_, other) => other.topic("telemetry")],
    ["another tenant", (own) => own.topic("x").replace(own.org, newOrg())],
    ["out of its namespace by ..", (own, other) => own.topic("..", other.id, "telemetry")],
    ["its namespace's root", (own) => own.topic()],
    ["$SYS", () => "$SYS/x"],
    ["a shared topic", (own) => `$share/g/${own.topic("x")}`],
    ["a wildcard", (own) => own.topic("+")],
  ];
  it.each(forbidden)("do not let it publish to %s: the connection closes", async (_name, topic) => {
    const org = newOrg();
    const device = await enrol(org);
    const other = await enrol(org);
    const watcher = await joinAndConnect(org, "owner");
    await watcher.subscribe([`sentinel/${org}/devices/+/commands`, `sentinel/${org}/devices/+/telemetry`]);
    const client = await Client.device(device);
    expect(await client.publish(topic(device, other), "x", 1, true)).toMatchObject({ type: "closed" });
    expect(await watcher.isQuiet()).toBe(true);
  });

  it("bind its will too", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const other = await enrol(org);
    for (const topic of [other.topic("status"), device.topic("commands"), "#"]) {
      const client = await Client.open(org);
      const will = { topic, payload: new Uint8Array(), qos: 1, retain: true, properties: null } as const;
      expect(await client.connect({ username: device.id, password: device.token, will })).toMatchObject({
        reasonCode: reasonCodes.not_authorized,
      });
    }
  });
});

describe("a user's rights", () => {
  async function tenantOf(role: Role): Promise<{ org: OrgId; mine: TestDevice; other: TestDevice; client: Client }> {
    const org = newOrg();
    const mine = await enrol(org);
    const other = await enrol(org);
    const user = newUser();
    await hub.putGroup(await userCall(org), org, newGroup(), { devices: [mine.id], members: [user] });
    return { org, mine, other, client: await joinAndConnect(org, role, user) };
  }

  it.each<[Role, number]>([
    ["owner", 1],
    ["admin", 1],
    ["readonly", 1],
    ["analyst", 0x80],
    ["viewer", 0x80],
  ])("of %s across the tenant: SUBACK %i", async (role, code) => {
    const { org, mine, other, client } = await tenantOf(role);
    const filters = [`sentinel/${org}/devices/+/status`, `sentinel/${org}/#`, other.topic("#")];
    expect(await client.subscribe(filters)).toEqual([code, code, code]);
    expect(await client.subscribe([mine.topic("#")])).toEqual([1]);
    expect(await client.subscribe(["#", "sentinel/#", `sentinel/${newOrg()}/#`])).toEqual([0x80, 0x80, 0x80]);
  });

  it.each<[Role, boolean]>([
    ["owner", true],
    ["admin", true],
    ["readonly", false],
    ["analyst", false],
    ["viewer", false],
  ])("of %s to command a device: %s", async (role, allowed) => {
    const { mine, client } = await tenantOf(role);
    const device = await Client.device(mine);
    await device.subscribe([mine.topic("commands"), mine.topic("desired")]);
    const answer = await client.publish(mine.topic("commands"), "go");
    expect(answer).toMatchObject(allowed ? { type: "puback" } : { type: "closed", code: 1008 });
    if (allowed) expect(await device.message()).toMatchObject({ text: "go" });
    else expect(await device.isQuiet()).toBe(true);
  });

  it.each(["telemetry", "status", "commands/x"])("never reach a device's own %s", async (rest) => {
    const { mine, client } = await tenantOf("owner");
    expect(await client.publish(mine.topic(...rest.split("/")), "x")).toMatchObject({ type: "closed" });
  });

  it("end, with the subscriptions, when the role shrinks, and stay when it grows", async () => {
    const org = newOrg();
    const user = newUser();
    const client = await joinAndConnect(org, "admin", user);
    await hub.putMember(await userCall(org), org, user, "owner");
    expect(await client.isQuiet()).toBe(true);
    await hub.putMember(await userCall(org), org, user, "readonly");
    expect(await client.next()).toMatchObject({ type: "closed", reason: expect.stringContaining("access") });
  });

  it("end when a group takes a device away", async () => {
    const org = newOrg();
    const [one, two, group, user] = [await enrol(org), await enrol(org), newGroup(), newUser()];
    const owner = await userCall(org);
    await hub.putGroup(owner, org, group, { devices: [one.id], members: [user] });
    const client = await joinAndConnect(org, "viewer", user);
    expect(await client.subscribe([one.topic("status"), two.topic("status")])).toEqual([1, 0x80]);
    await hub.putGroup(await userCall(org), org, group, { devices: [one.id, two.id], members: [user] });
    expect(await client.subscribe([two.topic("status")])).toEqual([1]);
    await hub.putGroup(await userCall(org), org, group, { devices: [two.id], members: [user] });
    expect(await client.next()).toMatchObject({ type: "closed" });
  });
});

describe("what a person was owed when rights shrank", () => {
  /** A viewer of two devices who holds an unacknowledged message of the second and is away since. */
  async function viewerWhoIsOwed() {
    const org = newOrg();
    const [one, two, group, user] = [await enrol(org), await enrol(org), newGroup(), newUser()];
    const assign = async (devices: TestDevice[]) =>
      hub.putGroup(await userCall(org), org, group, { devices: devices.map(({ id }) => id), members: [user] });
    await hub.putMember(await userCall(org), org, user, "viewer");
    await assign([one, two]);
    const join = async () => {
      const client = await Client.open(org);
      const password = await accessToken(org, user, "viewer");
      return { client, connack: await client.connect({ username: user, password, keepAliveSeconds: 0 }) };
    };
    const { client } = await join();
    expect(await client.subscribe([one.topic("events"), two.topic("events")])).toEqual([1, 1]);
    const device = await Client.device(two);
    await device.publish(two.topic("events"), "in flight");
    expect(await client.message(false)).toMatchObject({ text: "in flight" });
    client.drop();
    await device.publish(two.topic("events"), "queued");
    return { org, one, two, assign, join, device };
  }

  it("is redelivered with DUP to who kept them", async () => {
    const { join } = await viewerWhoIsOwed();
    const { client, connack } = await join();
    expect(connack).toMatchObject({ type: "connack", sessionPresent: true });
    expect(await client.message()).toMatchObject({ text: "in flight", dup: true });
    expect(await client.message()).toMatchObject({ text: "queued" });
  });

  it.each(["at once", "after an eviction"])("is never delivered, %s", async (when) => {
    const { org, one, two, assign, join, device } = await viewerWhoIsOwed();
    await assign([one]);
    if (when === "after an eviction") await evict(org);
    const { client, connack } = await join();
    expect(connack).toMatchObject({ type: "connack", sessionPresent: false });
    await device.publish(two.topic("events"), "later");
    expect(await client.isQuiet()).toBe(true);
    expect(await client.subscribe([one.topic("events"), two.topic("events")])).toEqual([1, 0x80]);
    expect(await client.isQuiet()).toBe(true);
  });
});

describe("control calls", () => {
  it("are refused to roles that do not manage", async () => {
    const org = newOrg();
    const device = await enrol(org);
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const call = () => userCall(org, role);
      await refused(async () => hub.putDevice(await call(), org, device.id, "0".repeat(64)));
      await refused(async () => hub.removeDevice(await call(), org, device.id));
      await refused(async () => hub.publishCommand(await call(), org, device.id, "x"));
      await refused(async () => hub.putMember(await call(), org, newUser(), role));
      const content = { devices: [device.id], members: [] };
      await refused(async () => hub.putGroup(await call(), org, newGroup(), content));
      expect(await hub.presence(await call(), org, [device.id])).toEqual([]);
    }
  });

  it("let a person join with the signed role, leave, and no more", async () => {
    const org = newOrg();
    const user = newUser();
    await refused(async () => hub.putMember(await userCall(org, "viewer", user), org, user, "owner"));
    await hub.putMember(await userCall(org, "viewer", user), org, user, "viewer");
    await hub.putMember(await userCall(org, "viewer", user), org, user, null);
  });

  it("let a person leave a group and change nothing else in it", async () => {
    const org = newOrg();
    const [device, group, user, friend] = [await enrol(org), newGroup(), newUser(), newUser()];
    await hub.putGroup(await userCall(org), org, group, { devices: [device.id], members: [user, friend] });
    const leave = async (members: (typeof user)[]) =>
      hub.putGroup(await userCall(org, "viewer", user), org, group, { devices: [device.id], members });
    await refused(() => leave([]));
    await leave([friend]);
  });

  it("are refused for another organisation, and to a job of another kind", async () => {
    const org = newOrg();
    const device = await enrol(org);
    await refused(async () => hub.removeDevice(await userCall(newOrg()), org, device.id));
    const enrolling = await studio().asJob(
      "durable-objects.hub-control",
      "enroll",
      org,
      "req_00000000000000000000000001",
    );
    await refused(async () => hub.removeDevice(enrolling, org, device.id));
  });
});

describe("the protocol's own refusals", () => {
  it.each([0, 2, 6, 255])(
    "tell a client of level %i that nobody speaks it, in 3.1.1's form, and close",
    async (level) => {
      const client = await Client.open(newOrg());
      const bytes = client.encode(client.connectPacket({ clientId: "x", clean: true }));
      bytes[8] = level;
      client.sendBytes(bytes);
      const reasonCode = reasonCodes.unsupported_protocol_version;
      expect(await client.next()).toEqual({ type: "connack", sessionPresent: false, reasonCode, properties: null });
      expect(await client.next()).toMatchObject({ type: "closed", code: 1002 });
    },
  );

  it("close at a second CONNECT, a packet before CONNECT and a text frame", async () => {
    const device = await enrol(newOrg());
    const closed = (code: number) => expect.objectContaining({ type: "closed", code });
    const twice = await Client.device(device, { clientId: "a" });
    expect(await twice.connect({ username: device.id, password: device.token })).toEqual(closed(1002));
    const early = await Client.open(device.org);
    early.send({ type: "pingreq" });
    expect(await early.next()).toEqual(closed(1002));
    const text = await Client.device(device, { clientId: "b" });
    text.sendBytes("hello");
    expect(await text.next()).toEqual(closed(1003));
  });

  it("hold packets that follow CONNECT at once until the credentials are judged [MQTT-3.1.4-5]", async () => {
    const org = newOrg();
    const user = newUser();
    await hub.putMember(await userCall(org), org, user, "owner");
    const token = await accessToken(org, user, "owner");
    const client = await Client.open(org);
    const connack = client.connect({ username: user, password: token });
    client.send({ type: "pingreq" });
    client.send({ type: "pingreq" });
    expect(await connack).toMatchObject({ reasonCode: 0 });
    expect([(await client.next()).type, (await client.next()).type]).toEqual(["pingresp", "pingresp"]);
  });
});

describe("a program's credentials", () => {
  const year = 365 * 24 * 3600_000;
  const newKey = (): string => `sak_${newToken().slice("sdt_".length)}`;
  /** A service user of the hub with a key. */
  async function program(org: OrgId, role: Role = "admin", expiresAtMs = Date.now() + year) {
    const [user, sid, key] = [newUser(), newSession(), newKey()];
    await hub.putMember(await userCall(org), org, user, role);
    await hub.putKey(await userCall(org), org, user, { sha256: sha256Hex(key), sid, expiresAtMs });
    return { user, sid, key };
  }
  const connect = async (org: OrgId, username: string, password: string) => {
    const client = await Client.open(org);
    return { client, answer: await client.connect({ username, password }) };
  };

  it("are its service user and its key, also after an eviction, and for longer than any token lives", async () => {
    const org = newOrg();
    const { user, key } = await program(org);
    await evict(org);
    expect((await connect(org, user, key)).answer).toMatchObject({ reasonCode: 0 });
    passTime(24 * 3600_000);
    await ringAlarm(org);
    const { client, answer } = await connect(org, user, key);
    expect(answer).toMatchObject({ reasonCode: 0 });
    expect(await client.subscribe([`sentinel/${org}/devices/+/telemetry`])).toEqual([1]);
  });

  it("are refused alike when the key is wrong, another's, of no program, or for another organisation", async () => {
    const [org, other] = [newOrg(), newOrg()];
    const [one, two] = [await program(org), await program(org)];
    await program(other);
    const person = newUser();
    await hub.putMember(await userCall(org), org, person, "owner");
    const tries: [OrgId, string, string][] = [
      [org, one.user, two.key],
      [org, one.user, newKey()],
      [org, one.user, `${one.key}x`],
      [org, one.user, sha256Hex(one.key)],
      [org, person, one.key],
      [org, newUser(), one.key],
      [other, one.user, one.key],
      [org, one.user, `sdt_${one.key.slice(4)}`],
    ];
    for (const [at, username, password] of tries) {
      const { answer } = await connect(at, username, password);
      expect(answer).toMatchObject({ reasonCode: reasonCodes.bad_user_name_or_password });
    }
  });

  it("end with the membership at once, and a key that was told late does not bring them back", async () => {
    const org = newOrg();
    const { user, sid, key } = await program(org);
    const { client } = await connect(org, user, key);
    await hub.putMember(await userCall(org), org, user, null);
    expect(await client.next()).toMatchObject({ type: "closed" });
    await hub.putKey(await userCall(org), org, user, { sha256: sha256Hex(key), sid, expiresAtMs: Date.now() + year });
    await evict(org);
    expect((await connect(org, user, key)).answer).toMatchObject({
      reasonCode: reasonCodes.bad_user_name_or_password,
    });
    expect(await countRows(org, "api_keys")).toBe(0);
  });

  it("end when the key does, on an open socket too", async () => {
    const org = newOrg();
    const { user, key } = await program(org, "admin", Date.now() + 5000);
    const { client } = await connect(org, user, key);
    passTime(6000);
    await ringAlarm(org);
    expect(await client.next()).toMatchObject({ type: "closed" });
    expect((await connect(org, user, key)).answer).toMatchObject({ reasonCode: reasonCodes.not_authorized });
  });

  it("have the rights of the role", async () => {
    const org = newOrg();
    const { user, key } = await program(org, "readonly");
    const device = await enrol(org);
    const { client } = await connect(org, user, key);
    expect(await client.publish(device.topic("commands"), "x")).toMatchObject({ type: "closed" });
  });

  it("are given by owners and administrators alone, as a hash of theirs", async () => {
    const org = newOrg();
    const user = newUser();
    await hub.putMember(await userCall(org), org, user, "admin");
    const key = { sha256: sha256Hex(newKey()), sid: newSession(), expiresAtMs: Date.now() + year };
    for (const role of ["analyst", "viewer", "readonly"] as const)
      await refused(async () => await hub.putKey(await userCall(org, role, user), org, user, key));
    for (const wrong of [{ sha256: "x" }, { sid: "ses_1" }, { expiresAtMs: Number.NaN }])
      await expect(
        (async () => await hub.putKey(await userCall(org), org, user, { ...key, ...wrong }))(),
      ).rejects.toThrow();
    expect(await countRows(org, "api_keys")).toBe(0);
  });
});
