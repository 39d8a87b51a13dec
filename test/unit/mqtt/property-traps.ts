import { propertyBearers, type TestBearer, testProperties } from "./property-samples.ts";
import type { Trap } from "./support.ts";

/** A packet of the bearer whose property block is these bytes. */
const inPublish = (block: string): string => propertyBearers.publish.wrap(block);
const inConnect = (block: string): string => propertyBearers.connect.wrap(block);
const inWill = (block: string): string => propertyBearers.will.wrap(block);
const inSubscribe = (block: string): string => propertyBearers.subscribe.wrap(block);

const zeroForbidden: readonly Trap[] = [
  ["receive maximum 0 (3.1.2.11.3)", null, inConnect("21 0000"), "property_value_forbidden", "3.1.2.11", 0x82],
  ["maximum packet size 0 (3.1.2.11.4)", null, inConnect("27 00000000"), "property_value_forbidden", "3.1.2.11", 0x82],
  ["subscription identifier 0", 5, inSubscribe("0b 00"), "subscription_identifier_zero", "3.8.2.1.2", 0x81],
  ["topic alias 0 (3.3.2.3.4)", 5, inPublish("23 0000"), "topic_alias_zero", "MQTT-3.3.2-8", 0x94],
];

const neitherZeroNorOne: readonly Trap[] = testProperties
  .filter(({ name }) => ["01", "17", "19", "24", "25", "28", "29", "2a"].includes(name.slice(0, 2)))
  .map(({ name, bytes, bearers }) => {
    const bearer = propertyBearers[bearers[0] as TestBearer];
    const block = `${bytes.slice(0, 2)} 02`;
    return [
      `${name} of 2`,
      bearer.level,
      bearer.wrap(block),
      "property_value_forbidden",
      bearer.section,
      0x82,
      bearer.sender,
    ];
  });

const blocks: readonly Trap[] = [
  [
    "a will's delay in SUBSCRIBE",
    5,
    inSubscribe("18 00000000"),
    "request_property_misplaced",
    "2.2.2.2, 3.8.2.1",
    0x81,
  ],
  [
    "a property of another packet, then one twice",
    5,
    inPublish("17 01 17 01"),
    "property_misplaced",
    "2.2.2.2, 3.3.2.3",
    0x82,
  ],
  [
    "what can't be read behind what is forbidden",
    5,
    inPublish("0b 8000"),
    "variable_byte_integer_overlong",
    "MQTT-1.5.5-1",
    0x81,
  ],
  ["a property of another packet, without a value", 5, inPublish("11"), "property_overrun", "2.2.2.1", 0x81],
  ["a property of another packet, and one that is none", 5, inPublish("17 01 7f"), "property_unknown", "2.2.2.2", 0x81],
  ["an unknown reason and a property that is none", 5, "4006 0001 01 02 7f 00", "property_unknown", "2.2.2.2", 0x81],
  ["an identifier of no property", 5, inPublish("00 00"), "property_unknown", "2.2.2.2", 0x81],
  ["an identifier of no property", 5, inPublish("7f 00"), "property_unknown", "2.2.2.2", 0x81],
  ["an identifier of two bytes", 5, inPublish("8101 00"), "property_unknown", "2.2.2.2", 0x81],
  [
    "an identifier longer than it need be",
    5,
    inPublish("8100 00"),
    "variable_byte_integer_overlong",
    "MQTT-1.5.5-1",
    0x81,
  ],
  ["a block longer than the packet", 5, "3006 0001 61 05 0101", "property_overrun", "2.2.2.1", 0x81],
  ["a property that runs out of its block", 5, "3009 0001 61 02 02 00000001", "property_overrun", "2.2.2.1", 0x81],
  ["a string that runs out of its block", 5, "3009 0001 61 03 03 0002 6161", "property_overrun", "2.2.2.1", 0x81],
  ["an identifier without a value", 5, inPublish("01"), "property_overrun", "2.2.2.1", 0x81],
  [
    "a block length of two bytes for one",
    5,
    "3006 0001 61 8200 0101",
    "variable_byte_integer_overlong",
    "MQTT-1.5.5-1",
    0x81,
  ],
  ["a block length of five bytes", 5, "3009 0001 61 8080808001 00", "variable_byte_integer_malformed", "1.5.5", 0x81],
  ["no block length in SUBSCRIBE", 5, "8202 0001", "field_truncated", "2.1.4", 0x81],
  [
    "a subscription identifier longer than it need be",
    5,
    inSubscribe("0b 8100"),
    "variable_byte_integer_overlong",
    "MQTT-1.5.5-1",
    0x81,
  ],
  [
    "a subscription identifier of five bytes",
    5,
    inSubscribe("0b 8080808001"),
    "variable_byte_integer_malformed",
    "1.5.5",
    0x81,
  ],
  [
    "two subscription identifiers in SUBSCRIBE (3.8.2.1.2)",
    5,
    inSubscribe("0b 01 0b 02"),
    "property_duplicate",
    "3.8.2.1",
    0x82,
  ],
  [
    "a subscription identifier from a client",
    5,
    inPublish("0b 01"),
    "subscription_identifier_from_client",
    "MQTT-3.3.4-6",
    0x82,
  ],
  [
    "a session expiry from a server",
    5,
    "e007 00 05 11 00000001",
    "property_misplaced",
    "MQTT-3.14.2-2",
    0x82,
    "server",
  ],
  ["U+0000 in a user property [MQTT-1.5.7-1]", 5, inPublish("26 0001 61 0001 00"), "utf8_null", "MQTT-1.5.4-2", 0x81],
  ["an ill-formed content type [MQTT-3.3.2-19]", 5, inPublish("03 0001 ff"), "utf8_malformed", "MQTT-1.5.4-1", 0x81],
  [
    "data without a method in CONNECT",
    null,
    inConnect("16 0001 ff"),
    "authentication_method_missing",
    "3.1.2.11.10",
    0x82,
  ],
  ["data without a method in AUTH", 5, "f006 18 04 16 0001 ff", "authentication_method_missing", "3.15.2.2.2", 0x82],
  ["AUTH with an empty block", 5, "f003 18 00 00", "trailing_bytes", "2.1.4", 0x81],
];

const responseTopics: readonly Trap[] = ["0001 23", "0003 612f2b", "0004 612f2362", "0000"].flatMap((topic): Trap[] => [
  [`response topic ${topic}`, 5, inPublish(`08 ${topic}`), "response_topic_invalid", "MQTT-3.3.2-14", 0x82],
  [`response topic ${topic} of a will`, null, inWill(`08 ${topic}`), "response_topic_invalid", "MQTT-3.3.2-14", 0x82],
]);

export const propertyTraps: readonly Trap[] = [...zeroForbidden, ...neitherZeroNorOne, ...blocks, ...responseTopics];
