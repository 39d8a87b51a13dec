import type { Properties } from "../../../core/mqtt/properties.ts";
import { type ReasonCode, reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { Close } from "./events.ts";

/** RFC 6455 section 7.4.1. */
const webSocketCodes = { normal: 1000, protocol: 1002, policy: 1008, tryAgainLater: 1013 } as const;

/** The client said goodbye. */
export const goodbye: Close = { code: webSocketCodes.normal, reason: "goodbye", reasonCode: null, told: false };

/** Something that no client of this protocol may send: the code is for the program, the text in the close for who debugs it. */
export function protocolError(reason: string, reasonCode: ReasonCode = reasonCodes.protocol_error): Close {
  return { code: webSocketCodes.protocol, reason, reasonCode, told: false };
}

/** Well-formed, but not allowed, or over a limit that `reason` names. */
export function refusal(reason: string, reasonCode: ReasonCode): Close {
  return { code: webSocketCodes.policy, reason, reasonCode, told: true };
}

/** Fine at another address for now (5.0, section 4.11). */
export function elsewhere(reference: string): Close {
  return { ...refusal(`connect to ${reference}`, reasonCodes.use_another_server), serverReference: reference };
}

/** Fine at another address from now on; RFC 6455's registry calls 1012 "service restart". */
export function moved(reference: string): Close {
  const reason = `moved to ${reference}`;
  return { code: 1012, reason, reasonCode: reasonCodes.server_moved, told: true, serverReference: reference };
}

/** What CONNACK or DISCONNECT of 5.0 says besides the code; null for nothing. */
export function propertiesOf({ told, reason, serverReference }: Close): Properties | null {
  if (!told) return null;
  return serverReference === undefined ? { reasonString: reason } : { reasonString: reason, serverReference };
}

/** Fine at another time. */
export function tryLater(reason: string, reasonCode: ReasonCode): Close {
  return { code: webSocketCodes.tryAgainLater, reason, reasonCode, told: true };
}
