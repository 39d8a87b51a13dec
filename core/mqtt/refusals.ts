/** Why bytes are not a packet we accept, each with the clause it breaks (MQTT 3.1.1, OASIS 2014-10-29). */
export const refusalClauses = {
  reserved_packet_type: "2.2.1",
  fixed_header_flags: "MQTT-2.2.2-2",
  wrong_direction: "2.2.1 table 2.1",
  remaining_length_malformed: "2.2.3",
  packet_too_large: "2.2.3 (packetBytesMax)",
  field_truncated: "2.3",
  trailing_bytes: "2.2.3",
  utf8_malformed: "MQTT-1.5.3-1",
  utf8_null: "MQTT-1.5.3-2",
  packet_id_zero: "MQTT-2.3.1-1",
  protocol_name: "MQTT-3.1.2-1",
  protocol_level: "MQTT-3.1.2-2",
  connect_reserved_flag: "MQTT-3.1.2-3",
  will_flags_without_will: "MQTT-3.1.2-11",
  will_qos_3: "MQTT-3.1.2-14",
  password_without_username: "MQTT-3.1.2-22",
  connack_flags: "3.2.2.1",
  connack_return_code: "3.2.2.3",
  connack_session_present: "MQTT-3.2.2-4",
  qos_3: "MQTT-3.3.1-4",
  dup_at_qos_0: "MQTT-3.3.1-2",
  subscribe_empty: "MQTT-3.8.3-3",
  subscribe_reserved_bits: "MQTT-3.8.3-4",
  suback_return_code: "MQTT-3.9.3-2",
  suback_empty: "3.9.3",
  unsubscribe_empty: "MQTT-3.10.3-2",
} as const;

export type RefusalKind = keyof typeof refusalClauses;

export interface Refusal {
  readonly kind: RefusalKind;
  /** The clause of MQTT 3.1.1, or the section where the text has no number. */
  readonly clause: string;
  /** For `protocol_level`: what the client asked for. */
  readonly level?: number;
}

/** Builds the refusal of one kind. */
export function refusal(kind: RefusalKind, level?: number): Refusal {
  return level === undefined ? { kind, clause: refusalClauses[kind] } : { kind, clause: refusalClauses[kind], level };
}
