import type { PacketType, Sender } from "./packets.ts";
import { type ReasonCode, reasonCodes } from "./reason-codes.ts";
import { FieldRefused } from "./refusals.ts";

/** Packets of 5.0 that carry a reason code. */
export type ReasonedType = Extract<
  PacketType,
  "connack" | "puback" | "pubrec" | "pubrel" | "pubcomp" | "suback" | "unsuback" | "disconnect" | "auth"
>;

type ReasonName = keyof typeof reasonCodes;

interface ReasonTable {
  /** The statement that the sender must use one of these. */
  readonly clause: string;
  /** By code: the sender that may use it, "both", or undefined where the table has no such code. */
  readonly senders: readonly (Sender | "both" | undefined)[];
}

function table(clause: string, names: Partial<Record<Sender | "both", readonly ReasonName[]>>): ReasonTable {
  const senders: (Sender | "both" | undefined)[] = Array.from({ length: 256 });
  for (const by of ["both", "client", "server"] as const)
    for (const name of names[by] ?? []) senders[reasonCodes[name]] = by;
  return { clause, senders };
}

const publishReasons: readonly ReasonName[] = [
  "success",
  "no_matching_subscribers",
  "unspecified_error",
  "implementation_specific_error",
  "not_authorized",
  "topic_name_invalid",
  "packet_identifier_in_use",
  "quota_exceeded",
  "payload_format_invalid",
];
const releaseReasons: readonly ReasonName[] = ["success", "packet_identifier_not_found"];

/** Which reason codes each packet may carry, and from whom (5.0, the tables of chapter 3). */
const tables: Readonly<Record<ReasonedType, ReasonTable>> = {
  connack: table("MQTT-3.2.2-8", {
    both: [
      "success",
      "unspecified_error",
      "malformed_packet",
      "protocol_error",
      "implementation_specific_error",
      "unsupported_protocol_version",
      "client_identifier_not_valid",
      "bad_user_name_or_password",
      "not_authorized",
      "server_unavailable",
      "server_busy",
      "banned",
      "bad_authentication_method",
      "topic_name_invalid",
      "packet_too_large",
      "quota_exceeded",
      "payload_format_invalid",
      "retain_not_supported",
      "qos_not_supported",
      "use_another_server",
      "server_moved",
      "connection_rate_exceeded",
    ],
  }),
  puback: table("MQTT-3.4.2-1", { both: publishReasons }),
  pubrec: table("MQTT-3.5.2-1", { both: publishReasons }),
  pubrel: table("MQTT-3.6.2-1", { both: releaseReasons }),
  pubcomp: table("MQTT-3.7.2-1", { both: releaseReasons }),
  suback: table("MQTT-3.9.3-2", {
    both: [
      "success",
      "granted_qos_1",
      "granted_qos_2",
      "unspecified_error",
      "implementation_specific_error",
      "not_authorized",
      "topic_filter_invalid",
      "packet_identifier_in_use",
      "quota_exceeded",
      "shared_subscriptions_not_supported",
      "subscription_identifiers_not_supported",
      "wildcard_subscriptions_not_supported",
    ],
  }),
  unsuback: table("MQTT-3.11.3-2", {
    both: [
      "success",
      "no_subscription_existed",
      "unspecified_error",
      "implementation_specific_error",
      "not_authorized",
      "topic_filter_invalid",
      "packet_identifier_in_use",
    ],
  }),
  disconnect: table("MQTT-3.14.2-1", {
    client: ["disconnect_with_will"],
    both: [
      "success",
      "unspecified_error",
      "malformed_packet",
      "protocol_error",
      "implementation_specific_error",
      "topic_name_invalid",
      "receive_maximum_exceeded",
      "topic_alias_invalid",
      "packet_too_large",
      "message_rate_too_high",
      "quota_exceeded",
      "administrative_action",
      "payload_format_invalid",
    ],
    server: [
      "not_authorized",
      "server_busy",
      "server_shutting_down",
      // Not in table 3-10, but table 2-6 has it for DISCONNECT, and section 4.12.1 for reauthentication.
      "bad_authentication_method",
      "keep_alive_timeout",
      "session_taken_over",
      "topic_filter_invalid",
      "retain_not_supported",
      "qos_not_supported",
      "use_another_server",
      "server_moved",
      "shared_subscriptions_not_supported",
      "connection_rate_exceeded",
      "maximum_connect_time",
      "subscription_identifiers_not_supported",
      "wildcard_subscriptions_not_supported",
    ],
  }),
  auth: table("MQTT-3.15.2-1", { server: ["success"], both: ["continue_authentication"], client: ["reauthenticate"] }),
};

/**
 * The code, once it is known that this sender may put it into this packet.
 * @throws FieldRefused otherwise
 */
export function checkReasonCode(code: number, type: ReasonedType, sender: Sender): ReasonCode {
  const { clause, senders } = tables[type];
  const by = senders[code];
  if (type === "disconnect" && by !== "both" && by !== sender) throw new FieldRefused("disconnect_reason_code", clause);
  if (by === undefined) throw new FieldRefused("reason_code_unknown", clause);
  if (by !== "both" && by !== sender) throw new FieldRefused("reason_code_wrong_sender", clause);
  return code as ReasonCode;
}

/**
 * Holds for every code that leaves in this packet.
 * @throws RangeError when the packet has no such code in 5.0: a bug of the caller
 */
export function assertReasonCode(code: ReasonCode, type: ReasonedType): void {
  if (tables[type].senders[code] === undefined)
    throw new RangeError(`${type} has no reason code ${code} [${tables[type].clause}]`);
}
