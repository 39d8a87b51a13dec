import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { type DeviceId, type GroupId, makeId, type OrgId, type SessionId, type UserId } from "../../../core/ids.ts";
import { packetBytesMax } from "../../../core/limits.ts";
import { type Caller, createCaller } from "../../../core/mesh/caller.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { createKeySource } from "../../../core/mesh/keys.ts";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import type {
  AckPacket,
  ConnectPacket,
  Packet,
  ProtocolLevel,
  PublishPacket,
  QoS,
  Subscription,
} from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { type ReasonCode, reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { CertifierRpc, HubControlRpc, PublicKeysRpc, TokenSignerRpc } from "../../../core/rpc/durable-objects.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { Env } from "../../../durable-objects/env.ts";
import { sha256Hex } from "../../../durable-objects/tenant-hub/authenticate.ts";
import { directoryName, homeNames, parseShardCount } from "../../../durable-objects/tenant-hub/shards/home.ts";
import type { TenantHub } from "../../../durable-objects/tenant-hub/tenant-hub.ts";

export const objects = env as unknown as Env;

/** The entrypoints as their callers see them. */
export const entrypoints = exports as unknown as {
  readonly DeviceGateway: Pick<Fetcher, "fetch">;
  readonly HubControl: HubControlRpc;
  readonly TokenSigner: TokenSignerRpc;
  readonly PublicKeys: PublicKeysRpc;
  readonly CertifyStudio: CertifierRpc;
  readonly CertifyCapabilities: CertifierRpc;
};

const tenBytes = (): Uint8Array => crypto.getRandomValues(new Uint8Array(10));
export const newOrg = (): OrgId => makeId("org", Date.now(), tenBytes());
export const newUser = (): UserId => makeId("user", Date.now(), tenBytes());
export const newDevice = (): DeviceId => makeId("device", Date.now(), tenBytes());
export const newGroup = (): GroupId => makeId("group", Date.now(), tenBytes());
export const newSession = (): SessionId => makeId("session", Date.now(), tenBytes());

/** Stops `Date` a day from now and leaves timers alone: alarms then run exactly when a test runs them. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 24 * 3600_000 });
}

/** Time goes on, and only forwards. */
export function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

const shardCount = parseShardCount(objects.HUB_SHARDS);

export const hubNamed = (name: string): DurableObjectStub<TenantHub> =>
  objects.TENANT_HUB.getByName(name) as unknown as DurableObjectStub<TenantHub>;

/** Every object of an organisation: one, or the directory and the shards. */
export function hubsOf(org: OrgId): DurableObjectStub<TenantHub>[] {
  const names = new Set([directoryName(org), ...homeNames(org, shardCount)]);
  return [...names].map(hubNamed);
}

/** Takes everything of an organisation out of memory. */
export async function evict(org: OrgId, options?: Parameters<typeof evictDurableObject>[1]): Promise<void> {
  for (const hub of hubsOf(org)) {
    // Only what runs can be evicted.
    await runInDurableObject(hub, () => {});
    await evictDurableObject(hub, options);
  }
}

/** Rings every alarm of an organisation that is set. */
export async function ringAlarm(org: OrgId): Promise<void> {
  for (const hub of hubsOf(org)) await runDurableObjectAlarm(hub);
}

/** When the next alarm of an organisation rings; null for never. */
export async function nextAlarm(org: OrgId): Promise<number | null> {
  const alarms = await Promise.all(
    hubsOf(org).map((hub) => runInDurableObject(hub, (_hub: TenantHub, state) => state.storage.getAlarm())),
  );
  const set = alarms.filter((atMs) => atMs !== null);
  return set.length === 0 ? null : Math.min(...set);
}

/** Characters of every socket's attachment. */
export async function attachmentSizes(org: OrgId): Promise<number[]> {
  const sizes = hubsOf(org).map((hub) =>
    runInDurableObject(hub, (_hub: TenantHub, state) =>
      state.getWebSockets().map((socket) => JSON.stringify(socket.deserializeAttachment()).length),
    ),
  );
  return (await Promise.all(sizes)).flat();
}

/** Runs the outbox until it is empty. */
export async function drain(org: OrgId): Promise<void> {
  passTime(60_000);
  await ringAlarm(org);
  await vi.waitUntil(async () => (await countRows(org, "outbox")) === 0, { timeout: 300_000 });
}

/** Rows of a table, once everything that is stored has come to it. */
export function countRows(org: OrgId, table: string): Promise<number> {
  return sumOfHubs(org, `SELECT count(*) AS n FROM ${table}`);
}

/** What a query's `n` comes to in all objects of an organisation. */
async function sumOfHubs(org: OrgId, query: string): Promise<number> {
  let sum = 0;
  for (const object of hubsOf(org)) {
    sum += await runInDurableObject(object, (hub: TenantHub, state) => {
      hub["storage"].flush();
      return Number(state.storage.sql.exec(query).one()["n"]);
    });
  }
  return sum;
}

/** Bytes of the packets that are not whole yet, as they are stored. */
export function partialBytes(org: OrgId): Promise<number> {
  return sumOfHubs(org, "SELECT coalesce(sum(length(bytes)), 0) AS n FROM partials");
}

/** A signed call as studio makes it for a person. */
export async function userCall(org: OrgId, role: Role = "owner", user: UserId = newUser()): Promise<SignedCall> {
  const token = await accessToken(org, user, role);
  return await studio().asUser("durable-objects.hub-control", token, makeId("request", Date.now(), tenBytes()));
}

export function studio(): Caller {
  return createCaller({
    workload: "studio",
    certify: (publicKey) => entrypoints.CertifyStudio.certify(publicKey),
    roots: createKeySource(() => entrypoints.PublicKeys.meshRoots(), Date.now),
    now: Date.now,
    random: (bytes) => crypto.getRandomValues(bytes),
  });
}

export async function accessToken(
  org: OrgId | null,
  user: UserId,
  role: Role | null,
  sid: SessionId = newSession(),
): Promise<string> {
  const request = makeId("request", Date.now(), tenBytes());
  const signing = await studio().asJob("durable-objects.token-signer", "sign_tokens", org, request);
  return (await entrypoints.TokenSigner.signAccessToken(signing, { sub: user, org, role, sid })).token;
}

export interface TestDevice {
  readonly org: OrgId;
  readonly id: DeviceId;
  readonly token: string;
  /** A topic of its own. */
  topic(...rest: string[]): string;
}

/** Enrols a device through the control entrypoint. */
export async function enrol(org: OrgId): Promise<TestDevice> {
  const id = newDevice();
  const token = newToken();
  await entrypoints.HubControl.putDevice(await userCall(org), org, id, sha256Hex(token));
  return { org, id, token, topic: (...rest) => ["sentinel", org, "devices", id, ...rest].join("/") };
}

export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `sdt_${btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "")}`;
}

/** Joins a member through the control entrypoint and connects as him. */
export async function joinAndConnect(org: OrgId, role: Role, user: UserId = newUser()): Promise<Client> {
  await entrypoints.HubControl.putMember(await userCall(org), org, user, role);
  const client = await Client.open(org);
  const token = await accessToken(org, user, role);
  expectAccepted(
    await client.connect({ username: user, password: token, clientId: "dashboard", clean: true, keepAliveSeconds: 0 }),
  );
  return client;
}

export function expectAccepted(packet: Received): void {
  if (packet.type !== "connack" || packet.reasonCode !== reasonCodes.success)
    throw new Error(`not accepted: ${JSON.stringify(packet)}`);
}

/** Expects that a Worker refuses a call. Its own promise: an RPC promise left unawaited rejects into nowhere. */
export async function refused(call: () => Promise<unknown>): Promise<void> {
  await expect((async () => await call())()).rejects.toThrow("call refused");
}

/** What a client sees: a packet, or the end of its socket. */
export type Received = Packet | { readonly type: "closed"; readonly code: number; readonly reason: string };

/** PUBACK, PUBREC, PUBREL or PUBCOMP, sent or received, with nothing more to say. */
export function ack(
  type: AckPacket["type"],
  packetId: number,
  reasonCode: ReasonCode = reasonCodes.success,
): AckPacket {
  return { type, packetId, reasonCode, properties: null };
}

export const goodbye: Packet = { type: "disconnect", reasonCode: reasonCodes.success, properties: null };

/** A PUBLISH as a client sends it. */
export function publishPacket(topic: string, text: string, options: Partial<PublishPacket> = {}): PublishPacket {
  const { dup = false, qos = 1, retain = false, properties = null } = options;
  const packetId = qos === 0 ? null : (options.packetId ?? 1);
  const payload = new TextEncoder().encode(text);
  return { type: "publish", dup, qos, retain, topic, packetId, payload, properties, wire: null };
}

export const textOf = (packet: Received): string =>
  packet.type === "publish" ? new TextDecoder().decode(packet.payload) : packet.type;

/** A real WebSocket through the gateway, with the codec under test as its other half. */
export class Client {
  readonly #socket: WebSocket;
  readonly #level: ProtocolLevel;
  readonly #stream: PacketStream;
  readonly #received: Received[] = [];
  readonly #waiting: ((received: Received) => void)[] = [];
  #nextPacketId = 1;
  /** Frames that came. */
  frames = 0;

  private constructor(socket: WebSocket, level: ProtocolLevel) {
    this.#socket = socket;
    this.#level = level;
    this.#stream = new PacketStream({ level, sender: "server", packetBytesMax });
    socket.addEventListener("message", (event) => {
      this.frames += 1;
      this.#stream.push(new Uint8Array(event.data as ArrayBuffer));
      for (let item = this.#stream.next(); item.kind !== "incomplete"; item = this.#stream.next()) {
        if (item.kind === "refused") throw new Error(`the hub sent ${item.refusal.kind}`);
        // The bytes it came in are of no interest to a test.
        this.#receive(item.packet.type === "publish" ? { ...item.packet, wire: null } : item.packet);
      }
    });
    socket.addEventListener("close", ({ code, reason }) => this.#receive({ type: "closed", code, reason }));
    socket.binaryType = "arraybuffer";
    socket.accept();
  }

  /** @param device whose URL it is; its hint spares a split organisation the slow path */
  static async open(
    org: OrgId,
    headers: Record<string, string> = {},
    level: ProtocolLevel = 4,
    device: DeviceId | null = null,
  ): Promise<Client> {
    const response = await Client.upgrade({ "X-Sentinel-Org": org, ...headers }, device);
    if (response.webSocket === null) throw new Error(`no socket: ${response.status} ${await response.text()}`);
    return new Client(response.webSocket, level);
  }

  static async upgrade(headers: Record<string, string>, device: DeviceId | null = null): Promise<Response> {
    const query = device === null ? "" : `?device=${device}`;
    return await entrypoints.DeviceGateway.fetch(`https://sentinel.test/mqtt/x${query}`, {
      headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "mqtt", ...headers },
    });
  }

  /** Opens, connects as a device and expects to be accepted. */
  static async device(device: TestDevice, options: Partial<ConnectOptions> = {}): Promise<Client> {
    const client = await Client.open(device.org, {}, 4, device.id);
    expectAccepted(await client.connect({ username: device.id, password: device.token, ...options }));
    return client;
  }

  /** The same in 5.0, with a session of a day unless `properties` say otherwise. */
  static async modern(device: TestDevice, clientId: string, options: Partial<ConnectOptions> = {}): Promise<Client> {
    const client = await Client.open(device.org, {}, 5, device.id);
    const { properties = null, ...rest } = options;
    const { id: username, token: password } = device;
    const lasting = { sessionExpiryInterval: 86_400, ...properties };
    expectAccepted(
      await client.connect({ clientId, username, password, keepAliveSeconds: 0, ...rest, properties: lasting }),
    );
    return client;
  }

  /** Sends a CONNECT and returns the answer. */
  connect(options: Partial<ConnectOptions>): Promise<Received> {
    this.send(this.connectPacket(options));
    return this.next();
  }

  connectPacket(options: Partial<ConnectOptions>): ConnectPacket {
    const { clientId = "agent", clean = false, username = null, keepAliveSeconds = 60, will = null } = options;
    const password = options.password == null ? null : new TextEncoder().encode(options.password);
    const { properties = null } = options;
    const level = this.#level;
    return { type: "connect", level, clean, keepAliveSeconds, clientId, will, username, password, properties };
  }

  send(...packets: readonly Packet[]): void {
    this.#socket.send(joined(packets.map((packet) => encodePacket(packet, this.#level))));
  }

  encode(packet: Packet): Uint8Array {
    return encodePacket(packet, this.#level);
  }

  sendBytes(bytes: Uint8Array | string): void {
    this.#socket.send(bytes);
  }

  /** Sends a packet and returns what comes next. */
  ask(packet: Packet): Promise<Received> {
    this.send(packet);
    return this.next();
  }

  /** Publishes; at QoS 1 waits for what comes next, which is the PUBACK if all is well. */
  async publish(topic: string, payload: string, qos: QoS = 1, retain = false): Promise<Received | null> {
    const packetId = qos === 0 ? null : this.#nextPacketId++;
    this.send(publishPacket(topic, payload, { qos, retain, packetId }));
    return qos === 0 ? null : await this.next();
  }

  /** Subscribes and returns the SUBACK's codes. */
  async subscribe(
    filters: readonly string[],
    qos: QoS = 1,
    options: Partial<Subscription> = {},
    properties: Properties | null = null,
  ): Promise<readonly number[]> {
    const packetId = this.#nextPacketId++;
    const common = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0, ...options } as const;
    const subscriptions = filters.map((filter) => ({ ...common, filter }));
    const suback = await this.ask({ type: "subscribe", packetId, subscriptions, properties });
    if (suback.type !== "suback") throw new Error(`not a SUBACK: ${JSON.stringify(suback)}`);
    return suback.codes;
  }

  /** The next message, acknowledged unless told otherwise. */
  async message(acknowledge = true): Promise<{ topic: string; text: string; dup: boolean; retain: boolean; qos: QoS }> {
    const packet = await this.next();
    if (packet.type !== "publish") throw new Error(`not a message: ${JSON.stringify(packet)}`);
    if (acknowledge && packet.packetId !== null) this.send(ack("puback", packet.packetId));
    const { topic, dup, retain, qos } = packet;
    return { topic, text: new TextDecoder().decode(packet.payload), dup, retain, qos };
  }

  /** True when nothing waits: a PINGREQ's answer comes next. */
  async isQuiet(): Promise<boolean> {
    this.send({ type: "pingreq" });
    return (await this.next()).type === "pingresp";
  }

  next(): Promise<Received> {
    const received = this.#received.shift();
    if (received !== undefined) return Promise.resolve(received);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The socket goes away without a DISCONNECT. */
  drop(): void {
    this.#socket.close(1000, "gone");
  }

  #receive(received: Received): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#received.push(received);
    else waiting(received);
  }
}

interface ConnectOptions {
  readonly clientId: string;
  readonly clean: boolean;
  readonly username: string | null;
  readonly password: string | null;
  readonly keepAliveSeconds: number;
  readonly will: ConnectPacket["will"];
  readonly properties: Properties | null;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function sample(id: string): string {
  return JSON.stringify({ id, at: "2026-11-22T02:00:00Z", metrics: { cpu_percent: 12.5 } });
}
