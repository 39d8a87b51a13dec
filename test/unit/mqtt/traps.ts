import { propertyTraps } from "./property-traps.ts";
import type { Trap } from "./support.ts";

const mqtt = "0004 4d515454";
const header: readonly Trap[] = [
  ["type 0", 4, "0000", "reserved_packet_type", "2.2.1 table 2.1", 0x82],
  ["type 0", 5, "0000", "reserved_packet_type", "2.1.2 table 2-1", 0x82],
  ["type 0 first", null, "0000", "reserved_packet_type", "2.2.1 table 2.1", 0x82],
  ["type 15, which is AUTH in 5.0", 4, "f000", "reserved_packet_type", "2.2.1 table 2.1", 0x82],
  ["type 15, which is AUTH in 5.0", 3, "f000", "reserved_packet_type", "2.2.1 table 2.1", 0x82],
  ["AUTH before CONNECT", null, "f000", "reserved_packet_type", "2.2.1 table 2.1", 0x82],
  ["PUBLISH before CONNECT", null, "3003 0001 61", "connect_expected", "MQTT-3.1.0-1", 0x82],
  ["PINGREQ before CONNECT", null, "c000", "connect_expected", "MQTT-3.1.0-1", 0x82],
  ...([4, 5] as const).flatMap((level) =>
    ["20020000", "9003000100", "b0020001", "d000"].map(
      (bytes): Trap => [
        `a server's packet ${bytes.slice(0, 2)} from a client`,
        level,
        bytes,
        "wrong_direction",
        level === 4 ? "2.2.1 table 2.1" : "2.1.2 table 2-1",
        0x82,
      ],
    ),
  ),
  ["CONNECT from a server", 4, "1000", "wrong_direction", "2.2.1 table 2.1", 0x82, "server"],
  ["SUBSCRIBE from a server", 5, "8200", "wrong_direction", "2.1.2 table 2-1", 0x82, "server"],
  ["DISCONNECT from a server of 3.1.1", 4, "e000", "wrong_direction", "2.2.1 table 2.1", 0x82, "server"],
  ...["41", "52", "60", "63", "72", "80", "83", "a0", "c1", "e1"].flatMap((first): Trap[] => [
    [`first byte ${first}`, 4, `${first}00`, "fixed_header_flags", "MQTT-2.2.2-2", 0x81],
    [`first byte ${first}`, 5, `${first}00`, "fixed_header_flags", "MQTT-2.1.3-1", 0x81],
  ]),
  ["AUTH with flags", 5, "f100", "auth_header_flags", "MQTT-3.15.1-1", 0x82],
  ["PUBREL with the flags of a DUP", 4, "6a020001", "fixed_header_flags", "MQTT-2.2.2-2", 0x81],
  ["PUBREL with the flags of a DUP [MQTT-3.6.1-1]", 5, "6a020001", "fixed_header_flags", "MQTT-2.1.3-1", 0x81],
  ["flags of a server's CONNACK", 5, "2103", "fixed_header_flags", "MQTT-2.1.3-1", 0x81, "server"],
  ["QoS 3", 4, "3609", "qos_3", "MQTT-3.3.1-4", 0x81],
  ["QoS 3", 5, "3709", "qos_3", "MQTT-3.3.1-4", 0x81],
  ["DUP at QoS 0", 4, "3809", "dup_at_qos_0", "MQTT-3.3.1-2", 0x81],
  ["DUP at QoS 0", 5, "3909", "dup_at_qos_0", "MQTT-3.3.1-2", 0x81],
  ["a length of five bytes", 4, "30ffffffff", "remaining_length_malformed", "2.2.3", 0x81],
  ["a length of five bytes", 5, "3080808080", "remaining_length_malformed", "1.5.5", 0x81],
  ["a length longer than it need be", 5, "c08000", "variable_byte_integer_overlong", "MQTT-1.5.5-1", 0x81],
  ["a length over the maximum", 4, "30ffffff7f", "packet_too_large", "2.2.3 (packetBytesMax)", 0x95],
  ["a length over the maximum", 5, "30ffffff7f", "packet_too_large", "MQTT-3.2.2-15", 0x95],
  [
    "a length of five bytes, of a packet that is a server's",
    5,
    "20ffffffff",
    "remaining_length_malformed",
    "1.5.5",
    0x81,
  ],
  ["PINGREQ with a body", 4, "c001 00", "ping_with_body", "3.12", 0x81],
  ["PINGREQ with a body", 5, "c001 00", "ping_with_body", "3.12", 0x81],
  ["PINGRESP with a body from a client", 5, "d001 00", "ping_with_body", "3.12", 0x81],
  ["DISCONNECT with a body", 4, "e001 00", "trailing_bytes", "2.2.3", 0x81],
];

const text: readonly Trap[] = ([4, 5] as const).flatMap((level): Trap[] => {
  const wellFormed = level === 4 ? "MQTT-1.5.3-1" : "MQTT-1.5.4-1";
  return [
    ["a stray byte", level, "3003 0001 ff", "utf8_malformed", wellFormed, 0x81],
    ["a surrogate", level, "3005 0003 eda080", "utf8_malformed", wellFormed, 0x81],
    ["a pair of surrogates", level, "3008 0006 eda0bdedb880", "utf8_malformed", wellFormed, 0x81],
    ["an overlong U+0000", level, "3004 0002 c080", "utf8_malformed", wellFormed, 0x81],
    ["an overlong slash", level, "3004 0002 c0af", "utf8_malformed", wellFormed, 0x81],
    ["a code point past U+10FFFF", level, "3006 0004 f4908080", "utf8_malformed", wellFormed, 0x81],
    ["half a character", level, "3003 0001 c3", "utf8_malformed", wellFormed, 0x81],
    ["U+0000", level, "3003 0001 00", "utf8_null", level === 4 ? "MQTT-1.5.3-2" : "MQTT-1.5.4-2", 0x81],
    [
      "U+0000 in a long topic",
      level,
      `3028 0026 ${"61".repeat(20)}00${"61".repeat(17)}`,
      "utf8_null",
      level === 4 ? "MQTT-1.5.3-2" : "MQTT-1.5.4-2",
      0x81,
    ],
  ];
});

/** What a server may refuse in a name (1.5.3, in 5.0 1.5.4), at each border. */
const controls: readonly Trap[] = [
  ["U+0001", "01"],
  ["U+001F", "1f"],
  ["U+007F", "7f"],
  ["U+0080", "c280"],
  ["U+009F", "c29f"],
  ["U+FDD0", "efb790"],
  ["U+FDEF", "efb7af"],
  ["U+FFFE", "efbfbe"],
  ["U+FFFF", "efbfbf"],
  ["U+1FFFE", "f09fbfbe"],
  ["U+10FFFF", "f48fbfbf"],
].flatMap(([name = "", bytes = ""]): Trap[] => {
  const field = `000${bytes.length / 2} ${bytes}`;
  const size = (besides: number) => (besides + 2 + bytes.length / 2).toString(16).padStart(2, "0");
  const trap = (where: string, level: 4 | 5 | null, packet: string): Trap => [
    `${name} in ${where}`,
    level,
    packet,
    "text_control",
    level === 4 ? "1.5.3" : "1.5.4",
    0x81,
  ];
  return [
    trap("a topic", 4, `30${size(0)} ${field}`),
    trap("a topic", 5, `30${size(1)} ${field} 00`),
    trap("a filter", 4, `82${size(3)} 0001 ${field} 00`),
    trap("a filter", 5, `82${size(4)} 0001 00 ${field} 00`),
    trap("a filter to unsubscribe from", 5, `a2${size(3)} 0001 00 ${field}`),
    trap("a response topic", 5, `30${size(5)} 0001 61 ${size(1)} 08 ${field}`),
    trap("a will topic", null, `10${size(17)} ${mqtt} 05 06 0000 00 0000 00 ${field} 0001 61`),
    [
      `${name} in a client id`,
      null,
      `10${size(11)} ${mqtt} 05 02 0000 00 ${field}`,
      "client_id_malformed",
      "MQTT-3.1.3-4",
      0x85,
    ],
  ];
});

const connect: readonly Trap[] = [
  ...(["11", "12", "14", "18"] as const).flatMap((first): Trap[] => [
    [`first byte ${first}`, null, `${first}0c ${mqtt} 04`, "connect_header_flags", "MQTT-2.2.2-2", 0x81],
    [`first byte ${first}`, null, `${first}0d ${mqtt} 05`, "connect_header_flags", "MQTT-2.1.3-1", 0x81],
    [
      `first byte ${first} and a level of none`,
      null,
      `${first}0c ${mqtt} 06 02 0000 0000`,
      "protocol_level",
      "MQTT-3.1.2-2",
      0x84,
    ],
  ]),
  ["first byte 14 and no level", null, `1406 ${mqtt}`, "field_truncated", "2.2.3", 0x81],
  ...["00", "eda080", "c080", "ff"].flatMap((bytes): Trap[] =>
    ([4, 5] as const).map((level) => [
      `a client id of ${bytes} at level ${level}`,
      null,
      `10${(9 + level - 4 + 4 + bytes.length / 2 - 1).toString(16).padStart(2, "0")} ${mqtt} 0${level} 02 0000 ${level === 5 ? "00" : ""} 000${bytes.length / 2} ${bytes}`,
      "client_id_malformed",
      "MQTT-3.1.3-4",
      0x85,
    ]),
  ),
  ["a wrong protocol name", null, "100c 0004 4d515458 04 02 0000 0000", "protocol_name", "MQTT-3.1.2-1", 0x84],
  ["a name in small letters", null, "100c 0004 6d717474 04 02 0000 0000", "protocol_name", "MQTT-3.1.2-1", 0x84],
  ["a name cut short", null, "1003 0004 4d", "field_truncated", "2.2.3", 0x81],
  ["no level", null, `1006 ${mqtt}`, "field_truncated", "2.2.3", 0x81],
  ["an empty CONNECT", null, "1000", "field_truncated", "2.2.3", 0x81],
  ["level 3 as MQTT", null, `100c ${mqtt} 03 02 0000 0000`, "protocol_level", "MQTT-3.1.2-2", 0x84],
  ["level 4 as MQIsdp", null, "100e 0006 4d5149736470 04 02 0000 0000", "protocol_level", "MQTT-3.1.2-2", 0x84],
  ["level 5 as MQIsdp", null, "100e 0006 4d5149736470 05 02 0000 0000", "protocol_level", "MQTT-3.1.2-2", 0x84],
  ["level 6, and nothing behind it", null, `1007 ${mqtt} 06`, "protocol_level", "MQTT-3.1.2-2", 0x84],
  ["level 0", null, `100c ${mqtt} 00 02 0000 0000`, "protocol_level", "MQTT-3.1.2-2", 0x84],
  ["a bridge's level 131", null, "100e 0006 4d5149736470 83 02 0000 0000", "protocol_level", "MQTT-3.1.2-2", 0x84],
  ["a bridge's level 132", null, `100c ${mqtt} 84 02 0000 0000`, "protocol_level", "MQTT-3.1.2-2", 0x84],
  ...([4, 5] as const).flatMap((level): Trap[] => {
    const noWill = "MQTT-3.1.2-11";
    const [length, none] = level === 4 ? ["0c", ""] : ["0d", "00"];
    const of = (flags: string) => `10${length} ${mqtt} 0${level} ${flags} 0000 ${none} 0000`;
    const withWill = (flags: string) =>
      `10${level === 4 ? "11" : "13"} ${mqtt} 0${level} ${flags} 0000 ${none} 0000 ${none} 0001 61 0000`;
    const ends = level === 4 ? "2.2.3" : "2.1.4";
    const tooLong = level === 4 ? "0d" : "0e";
    return [
      ["the reserved flag", null, of("03"), "connect_reserved_flag", "MQTT-3.1.2-3", 0x81],
      ["will QoS without a will", null, of("0a"), "will_flags_without_will", noWill, 0x81],
      ["will retain without a will", null, of("22"), "will_flags_without_will", noWill, 0x81],
      ["will QoS 3", null, withWill("1e"), "will_qos_3", level === 4 ? "MQTT-3.1.2-14" : "MQTT-3.1.2-12", 0x81],
      ["a will that is not there", null, of("06"), "field_truncated", ends, 0x81],
      ["a user name that is not there", null, of("82"), "field_truncated", ends, 0x81],
      ["a byte behind the last field", null, `${of("02").replace(length, tooLong)} 00`, "trailing_bytes", ends, 0x81],
    ];
  }),
  [
    "a password alone before 5.0",
    null,
    `100e ${mqtt} 04 42 0000 0000 0000`,
    "password_without_username",
    "MQTT-3.1.2-22",
    0x81,
  ],
  [
    "a password alone in 3.1",
    null,
    "1010 0006 4d5149736470 03 42 0000 0000 0000",
    "password_without_username",
    "MQTT-3.1.2-22",
    0x81,
  ],
  [
    "a length longer than it need be",
    null,
    `108d00 ${mqtt} 05 02 0000 00 0000`,
    "variable_byte_integer_overlong",
    "MQTT-1.5.5-1",
    0x81,
  ],
  ["CONNACK's reserved flags", 4, "2002 02 00", "connack_flags", "3.2.2.1", 0x81, "server"],
  ["a session in 3.1's CONNACK", 3, "2002 01 00", "connack_flags", "3.2.2.1", 0x81, "server"],
  ["CONNACK's reserved flags", 5, "2003 02 00 00", "connack_flags", "MQTT-3.2.2-1", 0x81, "server"],
  ["an unknown return code", 4, "2002 00 06", "connack_return_code", "3.2.2.3", 0x81, "server"],
  ["a return code of 3.1.1 in 5.0", 5, "2003 00 01 00", "reason_code_unknown", "MQTT-3.2.2-8", 0x82, "server"],
  ["a session in a refusal", 4, "2002 01 01", "connack_session_present", "MQTT-3.2.2-4", 0x82, "server"],
  ["a session in a refusal", 5, "2003 01 87 00", "connack_session_present", "MQTT-3.2.2-6", 0x82, "server"],
];

const publishing: readonly Trap[] = ([4, 5] as const).flatMap((level): Trap[] => {
  const noId = level === 4 ? "MQTT-2.3.1-1" : "MQTT-2.2.1-3";
  const cut = level === 4 ? "2.2.3" : "2.1.4";
  return [
    ["PUBLISH without a topic", level, "3000", "field_truncated", cut, 0x81],
    ["a topic that runs out of the packet", level, "3003 0005 61", "field_truncated", cut, 0x81],
    ["a topic cut short by the packet behind it", level, "3003 0002 61 61", "field_truncated", cut, 0x81],
    ["QoS 1 without a packet id", level, "3203 0001 61", "field_truncated", cut, 0x81],
    ["QoS 2 with half a packet id", level, "3404 0001 61 00", "field_truncated", cut, 0x81],
    ["packet id 0 at QoS 1", level, "3205 0001 61 0000", "packet_id_zero", noId, 0x82],
    ["packet id 0 at QoS 2", level, "3405 0001 61 0000", "packet_id_zero", noId, 0x82],
    ...["40", "50", "62", "70"].flatMap((first): Trap[] => [
      [`packet id 0 in ${first}`, level, `${first}02 0000`, "packet_id_zero", noId, 0x82],
      [`${first} with half a packet id`, level, `${first}01 00`, "field_truncated", cut, 0x81],
      [`${first} of nothing`, level, `${first}00`, "field_truncated", cut, 0x81],
    ]),
  ];
});

const acks: readonly Trap[] = [
  ...["40", "50", "62", "70"].map(
    (first): Trap => [`${first} with a body of three`, 4, `${first}03 0001 00`, "trailing_bytes", "2.2.3", 0x81],
  ),
  ...["40", "50", "62", "70"].map(
    (first): Trap => [`${first} with a byte too many`, 5, `${first}05 0001 00 00 00`, "trailing_bytes", "2.1.4", 0x81],
  ),
  ["a PUBLISH to no topic", 4, "3002 0000", "topic_empty", "MQTT-4.7.3-1", 0x81],
  ["a PUBLISH to no topic", 3, "3002 0000", "topic_empty", "MQTT-4.7.3-1", 0x81],
  ["a PUBLISH to no topic and no alias", 5, "3003 0000 00", "topic_empty", "3.3.2.1", 0x81],
  ["a PUBLISH to no topic, with properties but no alias", 5, "3005 0000 02 0101", "topic_empty", "3.3.2.1", 0x81],
  ["a PUBLISH without a property length", 5, "3003 0001 61", "field_truncated", "2.1.4", 0x81],
  ["PUBACK with a SUBACK's code", 5, "4003 0001 01", "reason_code_unknown", "MQTT-3.4.2-1", 0x82],
  ["PUBACK with PUBREL's code", 5, "4003 0001 92", "reason_code_unknown", "MQTT-3.4.2-1", 0x82],
  ["PUBREC with a code of none", 5, "5003 0001 ff", "reason_code_unknown", "MQTT-3.5.2-1", 0x82],
  ["PUBREL with PUBACK's code", 5, "6203 0001 10", "reason_code_unknown", "MQTT-3.6.2-1", 0x82],
  ["PUBCOMP with PUBACK's code", 5, "7003 0001 80", "reason_code_unknown", "MQTT-3.7.2-1", 0x82],
  ["DISCONNECT with a code of none", 5, "e001 01", "disconnect_reason_code", "MQTT-3.14.2-1", 0x82],
  ["DISCONNECT with a server's code", 5, "e001 8e", "disconnect_reason_code", "MQTT-3.14.2-1", 0x82],
  ["DISCONNECT with a client's code", 5, "e001 04", "disconnect_reason_code", "MQTT-3.14.2-1", 0x82, "server"],
  ["DISCONNECT with a byte too many", 5, "e003 00 00 00", "trailing_bytes", "2.1.4", 0x81],
  ["AUTH with a code of none", 5, "f001 01", "reason_code_unknown", "MQTT-3.15.2-1", 0x82],
  ["AUTH with a server's code", 5, "f000", "reason_code_wrong_sender", "MQTT-3.15.2-1", 0x82],
  ["AUTH with a client's code", 5, "f001 19", "reason_code_wrong_sender", "MQTT-3.15.2-1", 0x82, "server"],
  ["AUTH without a method", 5, "f006 18 04 1f 0001 61", "authentication_method_missing", "3.15.2.2.2", 0x82],
];

const subscribing: readonly Trap[] = [
  ["SUBSCRIBE to nothing", 4, "8202 0001", "subscribe_empty", "MQTT-3.8.3-3", 0x81],
  ["SUBSCRIBE to nothing", 5, "8203 0001 00", "subscribe_empty", "MQTT-3.8.3-2", 0x81],
  ["UNSUBSCRIBE from nothing", 4, "a202 0001", "unsubscribe_empty", "MQTT-3.10.3-2", 0x81],
  ["UNSUBSCRIBE from nothing", 5, "a203 0001 00", "unsubscribe_empty", "MQTT-3.10.3-2", 0x81],
  ["SUBSCRIBE with packet id 0", 4, "8206 0000 0001 61 00", "request_id_zero", "MQTT-2.3.1-1", 0x81],
  ["SUBSCRIBE with packet id 0", 5, "8207 0000 00 0001 61 00", "request_id_zero", "MQTT-2.2.1-3", 0x81],
  ["UNSUBSCRIBE with packet id 0", 4, "a205 0000 0001 61", "request_id_zero", "MQTT-2.3.1-1", 0x81],
  ["UNSUBSCRIBE with packet id 0", 5, "a206 0000 00 0001 61", "request_id_zero", "MQTT-2.2.1-3", 0x81],
  ["a filter without options", 4, "8205 0001 0001 61", "field_truncated", "2.2.3", 0x81],
  ["a filter without options", 5, "8206 0001 00 0001 61", "field_truncated", "2.1.4", 0x81],
  ["options of 5.0 before 5.0", 4, "8206 0001 0001 61 04", "subscribe_reserved_bits", "MQTT-3.8.3-4", 0x81],
  ["reserved options", 5, "8207 0001 00 0001 61 40", "subscribe_reserved_bits", "MQTT-3.8.3-5", 0x81],
  ["reserved options", 5, "8207 0001 00 0001 61 80", "subscribe_reserved_bits", "MQTT-3.8.3-5", 0x81],
  ["a subscription at QoS 3", 4, "8206 0001 0001 61 03", "subscribe_qos_3", "MQTT-3.8.3-4", 0x81],
  ["a subscription at QoS 3", 5, "8207 0001 00 0001 61 03", "subscribe_qos_3", "3.8.3.1", 0x81],
  ["retain handling 3", 5, "8207 0001 00 0001 61 30", "retain_handling_3", "3.8.3.1", 0x81],
  ["a second filter cut short", 4, "8208 0001 0001 61 00 0001", "field_truncated", "2.2.3", 0x81],
  ["an ill-formed filter [MQTT-3.8.3-1]", 5, "8207 0001 00 0001 ff 00", "utf8_malformed", "MQTT-1.5.4-1", 0x81],
  ["an ill-formed filter [MQTT-3.10.3-1]", 5, "a206 0001 00 0001 ff", "utf8_malformed", "MQTT-1.5.4-1", 0x81],
  ["SUBACK 3", 4, "9003 0001 03", "suback_return_code", "MQTT-3.9.3-2", 0x81, "server"],
  ["SUBACK 0x87 before 5.0", 4, "9003 0001 87", "suback_return_code", "MQTT-3.9.3-2", 0x81, "server"],
  ["SUBACK 3", 5, "9004 0001 00 03", "reason_code_unknown", "MQTT-3.9.3-2", 0x82, "server"],
  ["SUBACK of nothing", 4, "9002 0001", "suback_empty", "3.9.3", 0x81, "server"],
  ["UNSUBACK of nothing", 5, "b003 0001 00", "unsuback_empty", "3.11.3", 0x81, "server"],
  ["UNSUBACK with SUBACK's code", 5, "b004 0001 00 01", "reason_code_unknown", "MQTT-3.11.3-2", 0x82, "server"],
  ["UNSUBACK with a body before 5.0", 4, "b003 0001 00", "trailing_bytes", "2.2.3", 0x81, "server"],
];

/** Everything that no receiver may accept. */
export const traps: readonly Trap[] = [
  ...header,
  ...text,
  ...controls,
  ...connect,
  ...publishing,
  ...acks,
  ...subscribing,
  ...propertyTraps,
];
