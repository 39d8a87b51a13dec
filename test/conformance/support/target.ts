import { inject } from "vitest";
import { type Api, type EnrolledDevice, redeem, signIn } from "../../e2e/support/api.ts";
import type { AnswerOf } from "./answers.ts";
import { expectNotBusy, whileBusy } from "./busy.ts";
import { Client } from "./client.ts";
import { type ConnectFields, connect } from "./packets.ts";
import type { Level } from "./wire.ts";

/**
 * What the suites run against, from `CONFORMANCE_TARGET`: `sentinel` (default), the whole stack through a
 * device's credentials; or `mosquitto`, which the suites themselves are checked with.
 */
export type Target =
  | {
      readonly kind: "sentinel";
      readonly base: string;
      readonly code: string;
      readonly owner: { readonly email: string; readonly password: string };
    }
  | { readonly kind: "mosquitto"; readonly url: string };

declare module "vitest" {
  interface ProvidedContext {
    conformanceTarget: Target;
  }
}

export const target: Target = inject("conformanceTarget");
export const isSentinel = target.kind === "sentinel";

/** What a connection may differ in from the plain one: clean, unnamed, no will. */
export type ConnectOptions = Partial<ConnectFields> & { readonly headers?: Readonly<Record<string, string>> };

let counter = 0;
/** A name that no other test uses. */
export function uniqueName(stem = "t"): string {
  counter += 1;
  return `${stem}${process.pid.toString(36)}${counter.toString(36)}`;
}

/** A device's credentials and namespace, and how it connects. */
export class Device {
  readonly url: string;
  readonly deviceId: string;
  readonly token: string;
  /** Every topic of its own begins with it; ends with `/`. */
  readonly prefix: string;

  constructor(fields: { url: string; deviceId: string; token: string; prefix: string }) {
    this.url = fields.url;
    this.deviceId = fields.deviceId;
    this.token = fields.token;
    this.prefix = fields.prefix;
  }

  /** A corner of the namespace for one test: `scope()("a/b")`. */
  scope(): (name: string) => string {
    const corner = `${this.prefix}${uniqueName()}`;
    return (name) => `${corner}/${name}`;
  }

  /** The fields of a CONNECT that this device would send. */
  connectFields(level: Level, options: ConnectOptions = {}): ConnectFields {
    const { headers: _, ...fields } = options;
    // mosquitto's client ids are one space for all.
    const clientId = fields.clientId ?? uniqueName(isSentinel ? "c" : `c${this.deviceId}`);
    // 3.1 allows 23 characters.
    return {
      username: this.deviceId,
      password: this.token,
      ...fields,
      level,
      clientId: level === 3 && typeof clientId === "string" ? clientId.slice(-23) : clientId,
    };
  }

  /** The WebSocket alone. */
  open(level: Level, headers: Readonly<Record<string, string>> = {}): Promise<Client> {
    return Client.open(this.url, level, "", { headers: { ...headers } });
  }

  /** Sends CONNECT and returns the connection with the CONNACK, whatever it says but "busy". */
  attempt(level: Level, options: ConnectOptions = {}): Promise<{ client: Client; connack: AnswerOf<"connack"> }> {
    return whileBusy(() => this.#attemptOnce(level, options));
  }

  async #attemptOnce(
    level: Level,
    options: ConnectOptions = {},
  ): Promise<{ client: Client; connack: AnswerOf<"connack"> }> {
    const fields = this.connectFields(level, options);
    // The address of a split organisation's device says whose it is: whoever comes by it as somebody else is sent
    // on (0x9C), not judged. Without that part everybody is.
    const url = new URL(this.url);
    if (fields.username !== this.deviceId) url.searchParams.delete("device");
    const client = await Client.open(String(url), level, String(fields.clientId), { headers: { ...options.headers } });
    client.send(connect(fields));
    const connack = await client.expect("connack");
    expectNotBusy(connack, level);
    return { client, connack };
  }

  /** An accepted connection. */
  async connect(level: Level, options: ConnectOptions = {}): Promise<Client> {
    const { client, connack } = await this.attempt(level, options);
    if (connack.code !== 0) throw new Error(`CONNACK ${connack.code}: ${JSON.stringify(connack.properties)}`);
    return client;
  }
}

/** Enrols a device; on mosquitto invents a namespace. */
export async function newDevice(): Promise<Device> {
  if (target.kind === "mosquitto") {
    const deviceId = uniqueName("d");
    return new Device({ url: target.url, deviceId, token: "any", prefix: `${deviceId}/` });
  }
  return fromEnrolment(await redeem(target.base, target.code, uniqueName("conformance-")));
}

export function fromEnrolment(device: EnrolledDevice): Device {
  return new Device({
    url: device.mqtt_url,
    deviceId: device.device_id,
    token: device.token,
    prefix: device.topic_prefix,
  });
}

/** The public API as the organisation's owner; only Sentinel has one. */
export async function ownersApi(): Promise<Api> {
  if (target.kind !== "sentinel") throw new Error("mosquitto has no API");
  return (await signIn(target.base, target.owner.email, target.owner.password)).api;
}
