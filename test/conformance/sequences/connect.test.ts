/** CONNECT: every field right and wrong (section 3.1). */
import { connect, connectFlags } from "../support/packets.ts";
import type { ConnectOptions, Device } from "../support/target.ts";
import { uniqueName } from "../support/target.ts";
import { hex, type Level, packet, section, sized, u8, u16 } from "../support/wire.ts";
import { bare, type Code, malformed, protocolError, refused, runSequences, type Sequence, silent } from "./sequence.ts";

const accept = { type: "connack", code: 0, sessionPresent: false } as const;

function build(device: Device, level: Level, options: ConnectOptions = {}): Buffer {
  return connect(device.connectFields(level, options));
}

function takes(level: Level, name: string, clause: string, send: Uint8Array): Sequence {
  return { name, clause, level, bare: true, steps: [{ send }, { answer: accept }], end: "open" };
}

/** Refused by closing, in 5.0 with a code first, but where mosquitto has none. */
function hangsUp(level: Level, name: string, clause: string, send: Uint8Array, code: Code): Sequence {
  return bare({ name, clause, level, steps: [{ send }], end: refused(level, code) });
}

/** Refused one way or the other: a bad topic may be seen as a broken packet or as one that is not allowed. */
function goes(level: Level, name: string, clause: string, send: Uint8Array): Sequence {
  return bare({ name, clause, level, steps: [{ send }], end: "gone" });
}

/** Refused with this CONNACK, then closed. */
function answers(level: Level, name: string, clause: string, send: Uint8Array, code: number): Sequence {
  const connack = { type: "connack", sessionPresent: false, code } as const;
  return bare({ name, clause, level, steps: [{ send }, { answer: connack }], end: "closed" });
}

function protocol(device: Device, level: Level): Sequence[] {
  const wrongNames = ["", "MQT", "MQTTT", "MQTU", "mqtt", "MQIsd", "hj"];
  const otherName = level === 3 ? "MQTT" : "MQIsdp";
  return [
    takes(level, "a plain CONNECT", "3.1", build(device, level)),
    ...wrongNames.map((protocolName) =>
      bare({
        name: `the protocol name ${JSON.stringify(protocolName)}`,
        clause: "MQTT-3.1.2-1",
        level,
        steps: [{ send: build(device, level, { protocolName }) }],
        end: "closed",
      }),
    ),
    answers(
      level,
      `the protocol name ${JSON.stringify(otherName)}`,
      "MQTT-3.1.2-2",
      build(device, level, { protocolName: otherName }),
      1,
    ),
  ];
}

/** Unknown levels are answered as a 3.1.1 client would read it, for all that is known of the client. */
function unknownLevels(device: Device): Sequence[] {
  return [0, 1, 2, 6, 7, 0x7f, 0x85].map((protocolLevel) =>
    answers(4, `the protocol level ${protocolLevel}`, "MQTT-3.1.2-2", build(device, 4, { protocolLevel }), 1),
  );
}

function flags(device: Device, level: 4 | 5): Sequence[] {
  const options: ConnectOptions = { clientId: uniqueName() };
  const right = connectFlags(device.connectFields(level, options));
  const withFlags = (bits: number): Buffer => build(device, level, { ...options, flags: right | bits });
  const will = { topic: device.scope()("will") };
  return [
    ...[1, 2, 4, 8].map((bit) =>
      hangsUp(
        level,
        `CONNECT as 1${bit}`,
        "MQTT-2.2.2-2",
        Buffer.concat([u8(0x10 | bit), build(device, level).subarray(1)]),
        silent,
      ),
    ),
    hangsUp(level, "the reserved flag", "MQTT-3.1.2-3", withFlags(1), silent),
    hangsUp(level, "Will QoS 1 without a will", "MQTT-3.1.2-11", withFlags(0x08), silent),
    hangsUp(level, "Will QoS 2 without a will", "MQTT-3.1.2-11", withFlags(0x10), silent),
    hangsUp(level, "Will QoS 3 without a will", "MQTT-3.1.2-11", withFlags(0x18), malformed),
    hangsUp(level, "Will Retain without a will", "MQTT-3.1.2-11", withFlags(0x20), silent),
    hangsUp(level, "the will flag and no will", "MQTT-3.1.2-9", withFlags(0x04), malformed),
    hangsUp(level, "Will QoS 3", "MQTT-3.1.2-14", build(device, level, { will: { ...will, qos: 3 } }), malformed),
    ...[0, 1, 2].flatMap((qos) =>
      [false, true].map((retain) =>
        takes(
          level,
          `a will at QoS ${qos}${retain ? ", retained" : ""}`,
          "3.1.2.5",
          build(device, level, { will: { ...will, qos, retain } }),
        ),
      ),
    ),
    takes(level, "a will without a payload", "3.1.3.3", build(device, level, { will: { ...will, payload: "" } })),
    takes(
      level,
      "a will of bytes that are no text",
      "3.1.3.3",
      build(device, level, { will: { ...will, payload: hex("00ff80c0") } }),
    ),
    goes(level, "an empty will topic", "MQTT-4.7.3-1", build(device, level, { will: { topic: "" } })),
    ...["+", "#", "a+", "a/#/b"].map((wildcard) =>
      goes(
        level,
        `the will topic …${wildcard}`,
        "MQTT-3.3.2-2",
        build(device, level, { will: { topic: `${will.topic}${wildcard}` } }),
      ),
    ),
  ];
}

function clientIds(device: Device, level: Level): Sequence[] {
  const none = build(device, level, { clientId: "" });
  const persistent = build(device, level, { clientId: "", clean: false });
  const long = build(device, level, { clientId: `${uniqueName()}${"0123456789abcdef".repeat(3)}` });
  return [
    ...(level === 3
      ? [answers(3, "no client id", "3.1 of MQTT 3.1", none, 2)]
      : [takes(level, "no client id, clean", "MQTT-3.1.3-6", none)]),
    ...(level === 4 ? [answers(4, "no client id, not clean", "MQTT-3.1.3-8", persistent, 2)] : []),
    ...(level === 3 ? [] : [takes(level, "a client id of more than 23 characters", "MQTT-3.1.3-5", long)]),
    takes(
      level,
      "a client id with signs and spaces",
      "3.1.3.1",
      build(device, level, { clientId: `${uniqueName()} /+#$"'é` }),
    ),
  ];
}

function userNames(device: Device, level: 4 | 5): Sequence[] {
  const options: ConnectOptions = { clientId: uniqueName() };
  const clean = 0x02;
  const cut = (count: number, flagBits: number): Buffer => {
    const fields = device.connectFields(level, { ...options, username: null, password: null, flags: flagBits });
    return connect({ ...fields, trailing: Buffer.concat(Array.from({ length: count }, () => sized("p"))) });
  };
  return [
    hangsUp(level, "a user name without its flag", "MQTT-3.1.2-18", cut(1, clean), malformed),
    hangsUp(level, "the user name flag and no user name", "MQTT-3.1.2-19", cut(0, clean | 0x80), silent),
    hangsUp(level, "a password without its flag", "MQTT-3.1.2-20", cut(2, clean | 0x80), malformed),
    hangsUp(level, "the password flag and no password", "MQTT-3.1.2-21", cut(1, clean | 0xc0), silent),
    ...(level === 4 ? [hangsUp(4, "a password and no user name", "MQTT-3.1.2-22", cut(1, clean | 0x40), silent)] : []),
    hangsUp(
      level,
      "bytes after the payload",
      "2.2.3",
      build(device, level, { ...options, trailing: hex("00") }),
      malformed,
    ),
  ];
}

/** CONNECT cut off at every field; the length says that it is whole. */
function cuts(device: Device, level: Level): Sequence[] {
  const whole = build(device, level, {
    clientId: uniqueName(),
    will: { topic: device.scope()("will"), payload: "gone" },
  });
  const body = whole.subarray(whole[1]! < 0x80 ? 2 : 3);
  const lengths = [...Array.from({ length: 18 }, (_, index) => index), 30, 40, body.length - 2, body.length - 1];
  return lengths.map((length) =>
    // Before the level is known nothing can be answered, after it much can.
    bare({
      name: `CONNECT that ends after ${length === body.length - 1 ? "all but one" : length === body.length - 2 ? "all but two" : length} bytes`,
      clause: "3.1.3",
      level,
      steps: [{ send: packet(0x10, body.subarray(0, length)) }],
      end: "gone",
    }),
  );
}

/** What 3.1 did not forbid. */
function oldClients(device: Device): Sequence[] {
  const plain = build(device, 3);
  return [
    takes(
      3,
      "CONNECT as 14: 3.1 does not use the flags",
      "3.1 of MQTT 3.1",
      Buffer.concat([u8(0x14), plain.subarray(1)]),
    ),
    takes(3, "the reserved flag: 3.1 does not look at it", "3.1 of MQTT 3.1", build(device, 3, { flags: 0xc3 })),
    takes(3, "a will", "3.1 of MQTT 3.1", build(device, 3, { will: { topic: device.scope()("will") } })),
  ];
}

function enhancedAuthentication(device: Device): Sequence[] {
  const method = { properties: [["authenticationMethod", "SCRAM-SHA-256"]] } as const;
  const data = {
    properties: [
      ["authenticationMethod", "unheard of"],
      ["authenticationData", "test"],
    ],
  } as const;
  const twice = {
    properties: [
      ["authenticationMethod", "p"],
      ["authenticationMethod", "p"],
    ],
  } as const;
  const alone = { properties: [["authenticationData", "test"]] } as const;
  const dataTwice = {
    properties: [
      ["authenticationMethod", "p"],
      ["authenticationData", "p"],
      ["authenticationData", "p"],
    ],
  } as const;
  const short = (bytes: Uint8Array): Buffer => withSection(device, section(bytes));
  return [
    answers(5, "an authentication method", "MQTT-4.12.0-1", build(device, 5, method), 0x8c),
    answers(5, "an authentication method with data", "MQTT-4.12.0-1", build(device, 5, data), 0x8c),
    hangsUp(5, "an authentication method twice", "3.1.2.11.9", build(device, 5, twice), protocolError),
    hangsUp(5, "authentication data without a method", "3.1.2.11.10", build(device, 5, alone), protocolError),
    hangsUp(5, "authentication data twice", "3.1.2.11.10", build(device, 5, dataTwice), protocolError),
    hangsUp(5, "an authentication method without a value", "3.1.2.11.9", short(u8(0x15)), malformed),
    hangsUp(5, "authentication data without a value", "3.1.2.11.10", short(hex("1500017016")), malformed),
  ];
}

function withSection(device: Device, bytes: Uint8Array): Buffer {
  const fields = device.connectFields(5);
  return packet(
    0x10,
    sized("MQTT"),
    u8(5),
    u8(connectFlags(fields)),
    u16(60),
    bytes,
    sized(fields.clientId),
    sized(device.deviceId),
    sized(device.token),
  );
}

/** Bytes that no text has. */
const badTexts: readonly (readonly [string, string])[] = [
  ["U+0000", "61006200"],
  ["U+0000 overlong", "61c08062"],
  ["the surrogate U+D800", "61eda08062"],
  ["the surrogate U+DFFF", "61edbfbf62"],
  ["a lead byte alone", "61c362"],
  ["FF", "61ff62"],
];
/** Control characters and non-characters, which a server may refuse (section 1.5.4). */
const controls: readonly (readonly [string, string])[] = [
  ["U+0001", "610162"],
  ["U+001F", "611f62"],
  ["U+007F", "617f62"],
  ["U+009F", "61c29f62"],
  ["U+FFFE", "61efbfbe62"],
];
const clientIdInvalid = 0x85;

function texts(device: Device, level: 4 | 5): Sequence[] {
  const before = Buffer.from(device.scope()(""));
  const names = [...badTexts, ...controls].flatMap(([what, digits]) => {
    const text = hex(digits);
    const will = { topic: Buffer.concat([before, text]) };
    const withId = build(device, level, { clientId: text });
    return [
      hangsUp(level, `a client id with ${what}`, "MQTT-1.5.4-1", withId, clientIdInvalid),
      hangsUp(level, `a will topic with ${what}`, "MQTT-1.5.4-1", build(device, level, { will }), silent),
    ];
  });
  const withUser = (digits: string): Buffer => build(device, level, { username: hex(digits) });
  return [
    ...names,
    ...badTexts.map(([what, digits]) =>
      hangsUp(level, `a user name with ${what}`, "MQTT-1.5.4-1", withUser(digits), silent),
    ),
    // It is a text, and nobody's name.
    ...controls.map(([what, digits]) => goes(level, `a user name with ${what}`, "1.5.4", withUser(digits))),
  ];
}

/** Values of CONNECT's properties at their edges. */
function propertyValues(device: Device): Sequence[] {
  const right = [
    ["receiveMaximum", 65535],
    ["maximumPacketSize", 0xffffffff],
    ["topicAliasMaximum", 0],
    ["topicAliasMaximum", 65535],
    ["sessionExpiryInterval", 0],
    ["requestResponseInformation", 0],
    ["requestProblemInformation", 0],
  ] as const;
  const wrong = [
    ["receiveMaximum", 0],
    ["maximumPacketSize", 0],
    ["requestResponseInformation", 2],
    ["requestProblemInformation", 2],
  ] as const;
  const will = { topic: device.scope()("will") };
  return [
    ...right.map((pair) => takes(5, `${pair[0]} ${pair[1]}`, "3.1.2.11", build(device, 5, { properties: [pair] }))),
    ...wrong.map((pair) =>
      hangsUp(5, `${pair[0]} ${pair[1]}`, "3.1.2.11", build(device, 5, { properties: [pair] }), protocolError),
    ),
    hangsUp(
      5,
      "a will whose payload format is 2",
      "3.1.3.2.3",
      build(device, 5, { will: { ...will, properties: [["payloadFormatIndicator", 2]] } }),
      protocolError,
    ),
    hangsUp(
      5,
      "a will whose response topic is empty",
      "3.1.3.2.6",
      build(device, 5, { will: { ...will, properties: [["responseTopic", ""]] } }),
      protocolError,
    ),
    hangsUp(
      5,
      "a will whose response topic has a wildcard",
      "MQTT-3.3.2-14",
      build(device, 5, { will: { ...will, properties: [["responseTopic", `${will.topic}/#`]] } }),
      protocolError,
    ),
  ];
}

await runSequences("CONNECT", (device) => [
  ...([3, 4, 5] as const).flatMap((level) => [
    ...protocol(device, level),
    ...clientIds(device, level),
    ...cuts(device, level),
  ]),
  ...([4, 5] as const).flatMap((level) => [
    ...flags(device, level),
    ...userNames(device, level),
    ...texts(device, level),
  ]),
  ...unknownLevels(device),
  ...oldClients(device),
  ...enhancedAuthentication(device),
  ...propertyValues(device),
]);
