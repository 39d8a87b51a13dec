import { type ReasonCode, reasonCodes } from "./reason-codes.ts";

/** Where a rule stands: in MQTT 3.1.1 (OASIS 2014-10-29), and in MQTT 5.0 (OASIS 2019-03-07) if elsewhere. */
interface Rule {
  readonly clause: string;
  readonly clause5: string;
  /** What 5.0 has the receiver say when it closes (section 4.13). */
  readonly reasonCode: ReasonCode;
  /** It closes without saying it. */
  readonly silent: boolean;
}

/** Bytes that can't be read as the specification lays them out. */
const malformed = (clause: string, clause5 = clause): Rule => ({
  clause,
  clause5,
  reasonCode: reasonCodes.malformed_packet,
  silent: false,
});

/** Bytes that can be read, and say what is not allowed. */
const forbidden = (clause: string, clause5 = clause): Rule => ({
  clause,
  clause5,
  reasonCode: reasonCodes.protocol_error,
  silent: false,
});

const other = (reasonCode: ReasonCode, clause: string, clause5 = clause): Rule => ({
  clause,
  clause5,
  reasonCode,
  silent: false,
});

const silently = (rule: Rule): Rule => ({ ...rule, silent: true });

/**
 * Why bytes are not a packet we accept. A number without `MQTT-` is a section that has no numbered statement.
 * Where 5.0 leaves it open which of two codes it is, or whether one is sent, this is what mosquitto does (ADR 0007).
 */
const rules = {
  reserved_packet_type: forbidden("2.2.1 table 2.1", "2.1.2 table 2-1"),
  wrong_direction: forbidden("2.2.1 table 2.1", "2.1.2 table 2-1"),
  connect_expected: forbidden("MQTT-3.1.0-1"),
  fixed_header_flags: malformed("MQTT-2.2.2-2", "MQTT-2.1.3-1"),
  connect_header_flags: silently(malformed("MQTT-2.2.2-2", "MQTT-2.1.3-1")),
  /** No authentication is going on that an AUTH, right or wrong, could be part of. */
  auth_header_flags: forbidden("MQTT-3.15.1-1"),
  remaining_length_malformed: silently(malformed("2.2.3", "1.5.5")),
  packet_too_large: other(reasonCodes.packet_too_large, "2.2.3 (packetBytesMax)", "MQTT-3.2.2-15"),
  variable_byte_integer_malformed: malformed("2.2.3", "1.5.5"),
  variable_byte_integer_overlong: malformed("2.2.3", "MQTT-1.5.5-1"),
  field_truncated: malformed("2.2.3", "2.1.4"),
  trailing_bytes: malformed("2.2.3", "2.1.4"),
  ping_with_body: silently(malformed("3.12", "3.12")),
  utf8_malformed: malformed("MQTT-1.5.3-1", "MQTT-1.5.4-1"),
  utf8_null: malformed("MQTT-1.5.3-2", "MQTT-1.5.4-2"),
  /** Control characters and non-characters where a name is looked up, compared and logged. */
  text_control: malformed("1.5.3", "1.5.4"),
  packet_id_zero: forbidden("MQTT-2.3.1-1", "MQTT-2.2.1-3"),
  /** In SUBSCRIBE and UNSUBSCRIBE. */
  request_id_zero: malformed("MQTT-2.3.1-1", "MQTT-2.2.1-3"),
  protocol_name: silently(other(reasonCodes.unsupported_protocol_version, "MQTT-3.1.2-1")),
  protocol_level: other(reasonCodes.unsupported_protocol_version, "MQTT-3.1.2-2"),
  connect_reserved_flag: silently(malformed("MQTT-3.1.2-3")),
  will_flags_without_will: silently(malformed("MQTT-3.1.2-11")),
  will_qos_3: malformed("MQTT-3.1.2-14", "MQTT-3.1.2-12"),
  /** No UTF-8, U+0000, or a control character in it. */
  client_id_malformed: other(reasonCodes.client_identifier_not_valid, "MQTT-3.1.3-4"),
  password_without_username: malformed("MQTT-3.1.2-22", "3.1.2.9"),
  connack_flags: malformed("3.2.2.1", "MQTT-3.2.2-1"),
  connack_return_code: malformed("3.2.2.3", "MQTT-3.2.2-8"),
  connack_session_present: forbidden("MQTT-3.2.2-4", "MQTT-3.2.2-6"),
  qos_3: malformed("MQTT-3.3.1-4"),
  dup_at_qos_0: malformed("MQTT-3.3.1-2"),
  topic_empty: malformed("MQTT-4.7.3-1", "3.3.2.1"),
  subscribe_empty: malformed("MQTT-3.8.3-3", "MQTT-3.8.3-2"),
  subscribe_reserved_bits: malformed("MQTT-3.8.3-4", "MQTT-3.8.3-5"),
  subscribe_qos_3: malformed("MQTT-3.8.3-4", "3.8.3.1"),
  retain_handling_3: malformed("3.8.3.1"),
  suback_return_code: malformed("MQTT-3.9.3-2"),
  suback_empty: malformed("3.9.3"),
  unsubscribe_empty: malformed("MQTT-3.10.3-2"),
  unsuback_empty: malformed("3.11.3"),
  reason_code_unknown: forbidden("2.4"),
  reason_code_wrong_sender: forbidden("2.4"),
  /** Who says goodbye is gone, whatever the reason. */
  disconnect_reason_code: silently(forbidden("MQTT-3.14.2-1")),
  property_overrun: malformed("2.2.2.1"),
  property_unknown: malformed("2.2.2.2"),
  property_misplaced: forbidden("2.2.2.2"),
  /** In SUBSCRIBE and UNSUBSCRIBE. */
  request_property_misplaced: malformed("2.2.2.2"),
  property_duplicate: forbidden("2.2.2.2"),
  property_value_forbidden: forbidden("2.2.2.2"),
  subscription_identifier_zero: malformed("3.8.2.1.2"),
  topic_alias_zero: other(reasonCodes.topic_alias_invalid, "MQTT-3.3.2-8"),
  subscription_identifier_from_client: forbidden("MQTT-3.3.4-6"),
  response_topic_invalid: forbidden("MQTT-3.3.2-14"),
  authentication_method_missing: forbidden("3.1.2.11.10"),
} as const satisfies Record<string, Rule>;

export type RefusalKind = keyof typeof rules;

/** Every kind, for tests that must meet each. */
export const refusalKinds = Object.keys(rules) as readonly RefusalKind[];

/** Bytes that are not a packet we accept: a value, for the codec never throws at its input. */
export interface Refusal {
  readonly kind: RefusalKind;
  /** The statement of the version in use, or its section where none has a number. */
  readonly clause: string;
  /** What a 5.0 client is told. */
  readonly reasonCode: ReasonCode;
  /** It is told nothing after all: the connection ends without a CONNACK or DISCONNECT. */
  readonly silent: boolean;
  /** The protocol level that a refused CONNECT asked for, when it was read that far. */
  readonly level: number | null;
}

/**
 * Builds the refusal of one kind.
 * @param version the protocol level in use, which decides whose clause is cited; null when none is agreed
 * @param clause a narrower one than the kind's own
 * @param asked the level that a CONNECT asked for
 * @param silent other than the kind's own
 */
export function refusal(
  kind: RefusalKind,
  version: number | null,
  clause: string | null = null,
  asked: number | null = null,
  silent: boolean | null = null,
): Refusal {
  const rule = rules[kind];
  return {
    kind,
    clause: clause ?? (version === 5 ? rule.clause5 : rule.clause),
    reasonCode: rule.reasonCode,
    silent: silent ?? rule.silent,
    level: asked,
  };
}

/**
 * Carries a refusal out of the nested field readers; the codec's entry points catch it and return a
 * value, so it never leaves core/mqtt. Not an Error: gathering a stack would cost more than the packet.
 */
export class FieldRefused {
  readonly kind: RefusalKind;
  readonly clause: string | null;
  /** The level that the refused CONNECT asked for. Written by `decodeConnect` once it is read. */
  asked: number | null = null;
  /** Written by `unanswered`; null: as the kind has it. */
  silent: boolean | null = null;

  constructor(kind: RefusalKind, clause: string | null = null) {
    this.kind = kind;
    this.clause = clause;
  }
}

/**
 * The refusal that was thrown.
 * @throws whatever else was thrown: a bug, not input
 */
export function refusalOf(thrown: unknown, version: number | null): Refusal {
  if (!(thrown instanceof FieldRefused)) throw thrown;
  return refusal(thrown.kind, thrown.asked ?? version, thrown.clause, thrown.asked, thrown.silent);
}

/** Reads a field whose refusal nobody is told, whatever it is. */
export function unanswered<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FieldRefused) error.silent = true;
    throw error;
  }
}

/** True when it is the text itself that was refused, not its length. */
export function isTextRefusal(kind: RefusalKind): boolean {
  return kind === "utf8_malformed" || kind === "utf8_null" || kind === "text_control";
}
