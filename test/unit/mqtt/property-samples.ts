import type { Sender } from "../../../core/mqtt/packets.ts";
import { hex } from "./support.ts";

/** Table 2-4 of 5.0 once more, by hand, so that a slip in the codec's own table shows. */
export type TestBearer =
  | "connect"
  | "will"
  | "connack"
  | "publish"
  | "puback"
  | "pubrec"
  | "pubrel"
  | "pubcomp"
  | "subscribe"
  | "suback"
  | "unsubscribe"
  | "unsuback"
  | "disconnect"
  | "auth";

export interface BearerSample {
  /** The section that lists what may stand there. */
  readonly section: string;
  /** Null for CONNECT, which comes before any level is agreed on. */
  readonly level: 5 | null;
  readonly sender: Sender;
  /** The first byte, and the body in front of and behind the property block, in hexadecimal. */
  readonly first: number;
  readonly before: string;
  readonly behind: string;
  /** A packet whose property block holds these bytes. */
  wrap(block: string): string;
}

const byte = (value: number): string => value.toString(16).padStart(2, "0");

function sample(
  section: string,
  first: string,
  before: string,
  behind: string,
  { level = 5, sender = "client" }: { level?: 5 | null; sender?: Sender } = {},
): BearerSample {
  const wrap = (block: string): string => {
    const body = `${before} ${byte(hex(block).length)} ${block} ${behind}`;
    return `${first} ${byte(hex(body).length)} ${body}`;
  };
  return { section, level, sender, first: Number.parseInt(first, 16), before, behind, wrap };
}

const server = { sender: "server" } as const;
const hello = "0004 4d515454 05";

export const propertyBearers: Readonly<Record<TestBearer, BearerSample>> = {
  connect: sample("3.1.2.11", "10", `${hello} 02 0000`, "0000", { level: null }),
  will: sample("3.1.3.2", "10", `${hello} 06 0000 00 0000`, "0001 61 0000", { level: null }),
  connack: sample("3.2.2.3", "20", "00 00", "", server),
  publish: sample("3.3.2.3", "30", "0001 61", "ff"),
  puback: sample("3.4.2.2", "40", "0001 00", ""),
  pubrec: sample("3.5.2.2", "50", "0001 00", ""),
  pubrel: sample("3.6.2.2", "62", "0001 00", ""),
  pubcomp: sample("3.7.2.2", "70", "0001 00", ""),
  subscribe: sample("3.8.2.1", "82", "0001", "0001 61 00"),
  suback: sample("3.9.2.1", "90", "0001", "00", server),
  unsubscribe: sample("3.10.2.1", "a2", "0001", "0001 61"),
  unsuback: sample("3.11.2.1", "b0", "0001", "00", server),
  disconnect: sample("3.14.2.2", "e0", "00", ""),
  auth: sample("3.15.2.2", "f0", "18", ""),
};

export interface PropertySample {
  readonly name: string;
  /** Identifier and a valid value. */
  readonly bytes: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly bearers: readonly TestBearer[];
}

const answers: readonly TestBearer[] = [
  "connack",
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "suback",
  "unsuback",
  "disconnect",
  "auth",
];
const everywhere = Object.keys(propertyBearers) as TestBearer[];

export const testProperties: readonly PropertySample[] = [
  { name: "01 payload format", bytes: "01 01", value: { payloadFormatIndicator: 1 }, bearers: ["publish", "will"] },
  {
    name: "02 message expiry",
    bytes: "02 80000001",
    value: { messageExpiryInterval: 0x8000_0001 },
    bearers: ["publish", "will"],
  },
  { name: "03 content type", bytes: "03 0001 61", value: { contentType: "a" }, bearers: ["publish", "will"] },
  { name: "08 response topic", bytes: "08 0001 61", value: { responseTopic: "a" }, bearers: ["publish", "will"] },
  {
    name: "09 correlation data",
    bytes: "09 0002 00ff",
    value: { correlationData: hex("00ff") },
    bearers: ["publish", "will"],
  },
  // From a client a PUBLISH has none, which has a refusal of its own.
  {
    name: "0b subscription identifier",
    bytes: "0b ffffff7f",
    value: { subscriptionIdentifiers: [268_435_455] },
    bearers: ["subscribe"],
  },
  {
    name: "11 session expiry",
    bytes: "11 ffffffff",
    value: { sessionExpiryInterval: 0xffff_ffff },
    bearers: ["connect", "connack", "disconnect"],
  },
  {
    name: "12 assigned client id",
    bytes: "12 0001 61",
    value: { assignedClientIdentifier: "a" },
    bearers: ["connack"],
  },
  { name: "13 server keep alive", bytes: "13 0000", value: { serverKeepAlive: 0 }, bearers: ["connack"] },
  {
    name: "15 authentication method",
    bytes: "15 0001 61",
    value: { authenticationMethod: "a" },
    bearers: ["connect", "connack", "auth"],
  },
  {
    name: "16 authentication data",
    bytes: "16 0001 61",
    value: { authenticationData: hex("61") },
    bearers: ["connect", "connack", "auth"],
  },
  {
    name: "17 request problem information",
    bytes: "17 00",
    value: { requestProblemInformation: 0 },
    bearers: ["connect"],
  },
  { name: "18 will delay", bytes: "18 00000000", value: { willDelayInterval: 0 }, bearers: ["will"] },
  {
    name: "19 request response information",
    bytes: "19 01",
    value: { requestResponseInformation: 1 },
    bearers: ["connect"],
  },
  { name: "1a response information", bytes: "1a 0001 61", value: { responseInformation: "a" }, bearers: ["connack"] },
  {
    name: "1c server reference",
    bytes: "1c 0001 61",
    value: { serverReference: "a" },
    bearers: ["connack", "disconnect"],
  },
  { name: "1f reason string", bytes: "1f 0001 61", value: { reasonString: "a" }, bearers: answers },
  { name: "21 receive maximum", bytes: "21 ffff", value: { receiveMaximum: 65_535 }, bearers: ["connect", "connack"] },
  {
    name: "22 topic alias maximum",
    bytes: "22 0000",
    value: { topicAliasMaximum: 0 },
    bearers: ["connect", "connack"],
  },
  { name: "23 topic alias", bytes: "23 ffff", value: { topicAlias: 65_535 }, bearers: ["publish"] },
  { name: "24 maximum QoS", bytes: "24 01", value: { maximumQos: 1 }, bearers: ["connack"] },
  { name: "25 retain available", bytes: "25 00", value: { retainAvailable: 0 }, bearers: ["connack"] },
  { name: "26 user property", bytes: "26 0000 0000", value: { userProperties: [["", ""]] }, bearers: everywhere },
  {
    name: "27 maximum packet size",
    bytes: "27 ffffffff",
    value: { maximumPacketSize: 0xffff_ffff },
    bearers: ["connect", "connack"],
  },
  { name: "28 wildcards", bytes: "28 00", value: { wildcardSubscriptionAvailable: 0 }, bearers: ["connack"] },
  {
    name: "29 subscription identifiers",
    bytes: "29 00",
    value: { subscriptionIdentifiersAvailable: 0 },
    bearers: ["connack"],
  },
  { name: "2a shared subscriptions", bytes: "2a 00", value: { sharedSubscriptionAvailable: 0 }, bearers: ["connack"] },
];

/** What has to stand beside it: data goes with a method, and AUTH always has one (3.15.2.2.2). */
export function besides({ name }: PropertySample, bearer: TestBearer): string {
  const isMethod = name.startsWith("15");
  return !isMethod && (bearer === "auth" || name.startsWith("16")) ? "15 0001 6d" : "";
}
