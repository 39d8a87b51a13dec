/**
 * Reason codes of MQTT 5.0 (section 2.4, table 2-6). The broker thinks in these alone; the encoder
 * gives an older client what its version has for them (`connackReturnCode`).
 */
export const reasonCodes = {
  success: 0x00,
  granted_qos_1: 0x01,
  granted_qos_2: 0x02,
  disconnect_with_will: 0x04,
  no_matching_subscribers: 0x10,
  no_subscription_existed: 0x11,
  continue_authentication: 0x18,
  reauthenticate: 0x19,
  unspecified_error: 0x80,
  malformed_packet: 0x81,
  protocol_error: 0x82,
  implementation_specific_error: 0x83,
  unsupported_protocol_version: 0x84,
  client_identifier_not_valid: 0x85,
  bad_user_name_or_password: 0x86,
  not_authorized: 0x87,
  server_unavailable: 0x88,
  server_busy: 0x89,
  banned: 0x8a,
  server_shutting_down: 0x8b,
  bad_authentication_method: 0x8c,
  keep_alive_timeout: 0x8d,
  session_taken_over: 0x8e,
  topic_filter_invalid: 0x8f,
  topic_name_invalid: 0x90,
  packet_identifier_in_use: 0x91,
  packet_identifier_not_found: 0x92,
  receive_maximum_exceeded: 0x93,
  topic_alias_invalid: 0x94,
  packet_too_large: 0x95,
  message_rate_too_high: 0x96,
  quota_exceeded: 0x97,
  administrative_action: 0x98,
  payload_format_invalid: 0x99,
  retain_not_supported: 0x9a,
  qos_not_supported: 0x9b,
  /** Reserved for shards: `Server Reference` names the address to use for now. */
  use_another_server: 0x9c,
  /** Reserved for shards: `Server Reference` names the address to use from now on. */
  server_moved: 0x9d,
  shared_subscriptions_not_supported: 0x9e,
  connection_rate_exceeded: 0x9f,
  maximum_connect_time: 0xa0,
  subscription_identifiers_not_supported: 0xa1,
  wildcard_subscriptions_not_supported: 0xa2,
} as const;
export type ReasonCode = (typeof reasonCodes)[keyof typeof reasonCodes];

/** CONNACK return codes of 3.1.1, table 3.1. */
export const connectReturnCodes = {
  accepted: 0,
  unacceptable_protocol_level: 1,
  identifier_rejected: 2,
  server_unavailable: 3,
  bad_credentials: 4,
  not_authorized: 5,
} as const;
export type ConnectReturnCode = (typeof connectReturnCodes)[keyof typeof connectReturnCodes];

/** What CONNACK of 3.1.1 and 3.1 says for a reason code; whatever they have no word for is "unavailable". */
export function connackReturnCode(reasonCode: ReasonCode): ConnectReturnCode {
  switch (reasonCode) {
    case reasonCodes.success:
      return connectReturnCodes.accepted;
    case reasonCodes.unsupported_protocol_version:
      return connectReturnCodes.unacceptable_protocol_level;
    case reasonCodes.client_identifier_not_valid:
      return connectReturnCodes.identifier_rejected;
    case reasonCodes.bad_user_name_or_password:
      return connectReturnCodes.bad_credentials;
    case reasonCodes.not_authorized:
    case reasonCodes.banned:
    case reasonCodes.bad_authentication_method:
    case reasonCodes.topic_name_invalid:
      return connectReturnCodes.not_authorized;
    default:
      return connectReturnCodes.server_unavailable;
  }
}
