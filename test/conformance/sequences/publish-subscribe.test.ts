/** PUBLISH, SUBSCRIBE and UNSUBSCRIBE: fields right and wrong (sections 3.3, 3.8 and 3.10). */
import { ack, publish, subscribe, unsubscribe } from "../support/packets.ts";
import type { Device } from "../support/target.ts";
import { hex, type Level, packet, property, section, sectionFor, sized, u8, u16 } from "../support/wire.ts";
import { accepted, malformed, protocolError, rejected, runSequences, type Sequence } from "./sequence.ts";

const aliasInvalid = 0x94;

function publishes(device: Device, level: Level): Sequence[] {
  const topic = device.scope();
  const t = topic("p");
  const nobody = level === 5 ? 0x10 : 0;
  const pubrel = { send: ack("pubrel", 7) };
  const qos2 = (dup: boolean): Sequence => ({
    name: `PUBLISH at QoS 2${dup ? " with DUP" : ""}`,
    clause: "MQTT-4.3.3-2",
    level,
    steps: [
      { send: publish(level, { topic: t, qos: 2, id: 7, dup }) },
      { answer: { type: "pubrec", id: 7 } },
      pubrel,
      { answer: { type: "pubcomp", id: 7, code: 0 } },
    ],
    end: "open",
  });
  return [
    accepted(level, "PUBLISH", "3.3", publish(level, { topic: t })),
    accepted(level, "PUBLISH, retained", "3.3.1.3", publish(level, { topic: t, retain: true })),
    accepted(
      level,
      "PUBLISH, retained and empty",
      "MQTT-3.3.1-10",
      publish(level, { topic: t, retain: true, payload: "" }),
    ),
    accepted(
      level,
      "PUBLISH of bytes that are no text",
      "3.3.3",
      publish(level, { topic: t, payload: hex("00ff80c0ed") }),
    ),
    accepted(level, "PUBLISH at QoS 1", "MQTT-4.3.2-2", publish(level, { topic: t, qos: 1, id: 7 }), {
      type: "puback",
      id: 7,
      code: nobody,
    }),
    accepted(
      level,
      "PUBLISH at QoS 1 with DUP",
      "3.3.1.1",
      publish(level, { topic: t, qos: 1, id: 65535, dup: true }),
      { type: "puback", id: 65535 },
    ),
    qos2(false),
    qos2(true),
    rejected(level, "PUBLISH at QoS 0 with DUP", "MQTT-3.3.1-2", publish(level, { topic: t, dup: true }), malformed),
    rejected(
      level,
      "PUBLISH at QoS 3",
      "MQTT-3.3.1-4",
      packet(0x36, sized(t), u16(7), sectionFor(level), hex("70")),
      malformed,
    ),
    rejected(
      level,
      "PUBLISH at QoS 3 without an identifier",
      "MQTT-3.3.1-4",
      packet(0x36, sized(t), sectionFor(level), hex("70")),
      malformed,
    ),
    rejected(level, "PUBLISH to no topic", "MQTT-4.7.3-1", publish(level, { topic: "" }), malformed),
    ...["+", "#", "/+", "/#", "a+b", "#/a"].map((wildcard) =>
      rejected(
        level,
        `PUBLISH to …${wildcard}`,
        "MQTT-3.3.2-2",
        publish(level, { topic: `${t}${wildcard}` }),
        malformed,
      ),
    ),
    rejected(level, "PUBLISH without a topic's length", "3.3.2", packet(0x30, u8(0)), malformed),
    rejected(level, "PUBLISH of nothing", "3.3.2", packet(0x30), malformed),
    rejected(level, "PUBLISH whose topic runs over", "1.5.4", packet(0x30, u16(200), Buffer.from("topic")), malformed),
    rejected(level, "PUBLISH at QoS 1 cut in the identifier", "2.2.1", packet(0x32, sized(t), u8(1)), malformed),
    {
      name: "PUBLISH at QoS 2 again and again, with and without a payload",
      clause: "MQTT-4.3.3-10",
      level,
      steps: ["", "p", ""].flatMap((payload) => [
        { send: publish(level, { topic: t, qos: 2, id: 7, payload }) },
        { answer: { type: "pubrec", id: 7 } as const },
      ]),
      end: "open",
    },
  ];
}

function aliases(device: Device): Sequence[] {
  const topic = device.scope();
  const aliased = (alias: number, name: string): Buffer =>
    publish(5, { topic: name, qos: 1, id: 3, properties: [["topicAlias", alias]] });
  const puback = { type: "puback", id: 3 } as const;
  return [
    accepted(5, "topic alias 1", "3.3.2.3.4", aliased(1, topic("a")), puback),
    accepted(5, "the topic alias that is the maximum", "3.3.2.3.4", aliased(10, topic("a")), puback),
    rejected(5, "topic alias 0", "MQTT-3.3.2-8", aliased(0, topic("a")), aliasInvalid),
    rejected(5, "the topic alias after the maximum", "MQTT-3.3.2-9", aliased(11, topic("a")), aliasInvalid),
    rejected(5, "topic alias 65535", "MQTT-3.3.2-9", aliased(65535, topic("a")), aliasInvalid),
    rejected(5, "a topic alias that was never set", "3.3.4", aliased(2, ""), protocolError),
    {
      name: "a topic alias is set, used, set anew and used",
      clause: "MQTT-3.3.2-7",
      level: 5,
      steps: [
        { send: aliased(1, topic("a")) },
        { answer: puback },
        { send: aliased(1, "") },
        { answer: puback },
        { send: aliased(1, topic("b")) },
        { answer: puback },
        { send: aliased(1, "") },
        { answer: puback },
      ],
      end: "open",
    },
  ];
}

function publishValues(device: Device): Sequence[] {
  const t = device.scope()("p");
  const withBytes = (bytes: Uint8Array): Buffer => packet(0x32, sized(t), u16(3), section(bytes), hex("70"));
  const puback = { type: "puback", id: 3 } as const;
  const ids = [
    ["0", "0b00", protocolError],
    ["127", "0b7f", protocolError],
    ["in two bytes", "0b8001", protocolError],
    ["in four bytes", "0bffffff7f", protocolError],
    ["in five bytes", "0b8080808001", malformed],
    ["twice", "0b010b01", protocolError],
  ] as const;
  return [
    accepted(5, "payload format 0", "3.3.2.3.2", withBytes(property("payloadFormatIndicator", 0)), puback),
    rejected(5, "payload format 2", "3.3.2.3.2", withBytes(property("payloadFormatIndicator", 2)), protocolError),
    accepted(5, "message expiry 0", "3.3.2.3.3", withBytes(property("messageExpiryInterval", 0)), puback),
    rejected(5, "an empty response topic", "MQTT-4.7.3-1", withBytes(property("responseTopic", "")), protocolError),
    ...["#", "+", "/a+"].map((wildcard) =>
      rejected(
        5,
        `the response topic …${wildcard}`,
        "MQTT-3.3.2-14",
        withBytes(property("responseTopic", `${t}/${wildcard}`)),
        protocolError,
      ),
    ),
    ...ids.map(([what, bytes, code]) =>
      rejected(5, `a client's subscription identifier ${what}`, "MQTT-3.3.4-6", withBytes(hex(bytes)), code),
    ),
  ];
}

function subscriptions(device: Device, level: Level): Sequence[] {
  const topic = device.scope();
  const t = topic("s");
  const suback = (...codes: number[]) => ({ type: "suback", id: 7, codes }) as const;
  const body = (...parts: Uint8Array[]): Buffer => packet(0x82, u16(7), sectionFor(level), ...parts);
  const options = level === 5 ? [0x03, 0x30, 0x40, 0x80, 0xc0, 0xf0, 0xff] : [0x03, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80];
  return [
    ...[0, 1, 2].map((qos) =>
      accepted(
        level,
        `SUBSCRIBE at QoS ${qos}`,
        "MQTT-3.8.4-1",
        subscribe(level, 7, [{ filter: t, qos }]),
        suback(qos),
      ),
    ),
    accepted(
      level,
      "SUBSCRIBE to three",
      "MQTT-3.8.4-4",
      subscribe(level, 7, [
        { filter: t, qos: 2 },
        { filter: topic("x/#"), qos: 0 },
        { filter: topic("+/y"), qos: 1 },
      ]),
      suback(2, 0, 1),
    ),
    ...options
      .filter(() => level !== 3)
      .map((byte) =>
        rejected(
          level,
          `SUBSCRIBE with the options ${byte.toString(16)}`,
          "MQTT-3.8.3-4",
          body(sized(t), u8(byte)),
          malformed,
        ),
      ),
    rejected(level, "SUBSCRIBE without a filter", "MQTT-3.8.3-3", body(), malformed),
    rejected(level, "SUBSCRIBE without options", "3.8.3", body(sized(t)), malformed),
    rejected(
      level,
      "SUBSCRIBE whose second filter has no options",
      "3.8.3",
      body(sized(t), u8(0), sized(t)),
      malformed,
    ),
    rejected(level, "SUBSCRIBE with a byte left over", "3.8.3", body(sized(t), u8(0), u8(0)), malformed),
    rejected(level, "SUBSCRIBE of one byte", "3.8.2", packet(0x82, u8(7)), malformed),
    rejected(level, "SUBSCRIBE of nothing", "3.8.2", packet(0x82), malformed),
    ...filters.map(([what, filter]) =>
      rejected(level, `SUBSCRIBE to ${what}`, "4.7.1", subscribe(level, 7, [{ filter: filter(t) }]), malformed),
    ),
    rejected(
      level,
      "SUBSCRIBE whose second filter is empty",
      "MQTT-4.7.3-1",
      subscribe(level, 7, [{ filter: t }, { filter: "" }]),
      malformed,
    ),
  ];
}

/** Filters that are none. */
const filters: readonly (readonly [string, (topic: string) => string])[] = [
  ["an empty filter", () => ""],
  ["a#", (t) => `${t}#`],
  ["a/#/b", (t) => `${t}/#/b`],
  ["a/#b", (t) => `${t}/#b`],
  ["a+", (t) => `${t}+`],
  ["a+/b", (t) => `${t}+/b`],
  ["a/+b", (t) => `${t}/+b`],
  ["a/++", (t) => `${t}/++`],
  ["a/##", (t) => `${t}/##`],
  ["#/a", (t) => `#/${t}`],
];

function shared(device: Device): Sequence[] {
  const t = device.scope()("s");
  const wrong = [
    "$share//x",
    "$share/+/x",
    "$share/#/x",
    "$share/g+/x",
    "$share/g#/x",
    "$share/g",
    "$share/g/",
    "$share",
    "$share/",
  ];
  return [
    accepted(5, "SUBSCRIBE to a shared one", "4.8.2", subscribe(5, 7, [{ filter: `$share/g/${t}`, qos: 1 }]), {
      type: "suback",
      id: 7,
      codes: [1],
    }),
    ...wrong.map((filter) =>
      rejected(
        5,
        `SUBSCRIBE to ${filter}`,
        "MQTT-4.8.2-1",
        subscribe(5, 7, [{ filter: filter.replace("/x", `/${t}`) }]),
        malformed,
      ),
    ),
    rejected(
      5,
      "No Local on a shared one",
      "MQTT-3.8.3-4",
      subscribe(5, 7, [{ filter: `$share/g/${t}`, noLocal: true }]),
      protocolError,
    ),
  ];
}

function subscribeOptions(device: Device): Sequence[] {
  const t = device.scope()("s");
  const bytes = [0x04, 0x08, 0x10, 0x20, 0x0c, 0x2e, 0x1d];
  const ids = [
    ["1", "0b01", true],
    ["127", "0b7f", true],
    ["in two bytes", "0b8001", true],
    ["in three bytes", "0bffff7f", true],
    ["the greatest", "0bffffff7f", true],
    ["0", "0b00", false],
    ["0 in two bytes", "0b8000", false],
    ["in five bytes", "0b8080808001", false],
  ] as const;
  return [
    ...bytes.map((byte) =>
      accepted(
        5,
        `SUBSCRIBE with the options ${byte.toString(16).padStart(2, "0")}`,
        "3.8.3.1",
        packet(0x82, u16(7), u8(0), sized(t), u8(byte)),
        {
          type: "suback",
          id: 7,
          codes: [byte & 3],
        },
      ),
    ),
    ...ids.map(([what, property_, right]) => {
      const send = packet(0x82, u16(7), section(hex(property_)), sized(t), u8(0));
      return right
        ? accepted(5, `subscription identifier ${what}`, "3.8.2.1.2", send, { type: "suback", id: 7, codes: [0] })
        : rejected(5, `subscription identifier ${what}`, "3.8.2.1.2", send, malformed);
    }),
  ];
}

function unsubscriptions(device: Device, level: Level): Sequence[] {
  const topic = device.scope();
  const codes = (...list: number[]) => ({ type: "unsuback", id: 7, codes: level === 5 ? list : [] }) as const;
  const body = (...parts: Uint8Array[]): Buffer => packet(0xa2, u16(7), sectionFor(level), ...parts);
  return [
    accepted(level, "UNSUBSCRIBE from nothing", "MQTT-3.10.4-5", unsubscribe(level, 7, [topic("u")]), codes(0x11)),
    accepted(
      level,
      "UNSUBSCRIBE from two nothings",
      "MQTT-3.10.4-6",
      unsubscribe(level, 7, [topic("u"), topic("v/#")]),
      codes(0x11, 0x11),
    ),
    {
      name: "UNSUBSCRIBE from what was subscribed",
      clause: "MQTT-3.10.4-4",
      level,
      steps: [
        { send: subscribe(level, 6, [{ filter: topic("u/+") }]) },
        { answer: { type: "suback", id: 6, codes: [0] } },
        { send: unsubscribe(level, 7, [topic("u/+"), topic("u/#")]) },
        { answer: codes(0, 0x11) },
      ],
      end: "open",
    },
    rejected(level, "UNSUBSCRIBE without a filter", "MQTT-3.10.3-2", body(), malformed),
    rejected(level, "UNSUBSCRIBE whose filter runs over", "3.10.3", body(u16(9), hex("70")), malformed),
    rejected(level, "UNSUBSCRIBE with a byte left over", "3.10.3", body(sized(topic("u")), u8(0)), malformed),
    rejected(level, "UNSUBSCRIBE of one byte", "3.10.2", packet(0xa2, u8(7)), malformed),
    rejected(level, "UNSUBSCRIBE of nothing", "3.10.2", packet(0xa2), malformed),
    rejected(level, "UNSUBSCRIBE from an empty filter", "MQTT-4.7.3-1", unsubscribe(level, 7, [""]), malformed),
    rejected(
      level,
      "UNSUBSCRIBE whose second filter is empty",
      "MQTT-4.7.3-1",
      unsubscribe(level, 7, [topic("u"), ""]),
      malformed,
    ),
    rejected(level, "UNSUBSCRIBE from a#", "4.7.1", unsubscribe(level, 7, [`${topic("u")}#`]), malformed),
  ];
}

await runSequences("PUBLISH, SUBSCRIBE and UNSUBSCRIBE", (device) => [
  ...([3, 4, 5] as const).flatMap((level) => [
    ...publishes(device, level),
    ...subscriptions(device, level),
    ...unsubscriptions(device, level),
  ]),
  ...aliases(device),
  ...publishValues(device),
  ...shared(device),
  ...subscribeOptions(device),
]);
