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

/** Fine at another time. */
export function tryLater(reason: string, reasonCode: ReasonCode): Close {
  return { code: webSocketCodes.tryAgainLater, reason, reasonCode, told: true };
}
