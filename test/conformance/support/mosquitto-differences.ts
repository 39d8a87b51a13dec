import { isSentinel } from "./target.ts";

/**
 * Where mosquitto 2.0.11 goes another way than the suites ask, by the test's name, with the reason. Only
 * for runs against mosquitto; nothing is ever left out against Sentinel.
 */
const differences: readonly (readonly [name: RegExp, why: string])[] = [
  [/: PINGREQ (as C|with a body)/, "flags and length are not looked at before 2.1"],
  [/: (PUBACK as 4|PUBREC as 5|PUBCOMP as 7)/, "flags are not looked at before 2.1"],
  [/^(3\.1|3\.1\.1|5\.0): (SUBACK|UNSUBACK|PINGRESP)( \(| as| with)/, "taken from a client before 2.1"],
  [/: PUB(ACK|REC|REL|COMP) of three bytes/, "not looked at before 2.1"],
  [/: PUB(ACK|REC|REL|COMP) with (the code|bytes left over)/, "not looked at before 2.1"],
  [/: PUBLISH with subscriptionIdentifier, which is another packet's/, "not looked at before 2.1"],
  [
    /^5\.0: a (content type|user property's (key|value)|reason string) with U\+(0001|001F|007F|009F|FDD0|FFFE|FFFF|10FFFF) /,
    "refuses control characters everywhere",
  ],
  [/^3\.1\.1: the protocol level 133/, "the high bit marks a bridge of mosquitto's"],
  [/^5\.0: authentication data without a method/, "not looked at before 2.1"],
  [/^5\.0: a will whose (payload format|response topic)/, "properties of a will are not looked at before 2.1"],
  [/PUBLISH at QoS 0 with DUP/, "not looked at before 2.1"],
  [/^3\.1: (UN)?SUBSCRIBE without a filter/, "3.1 does not forbid it"],
  [/^5\.0: (payload format 2|an empty response topic|the response topic …)/, "not looked at before 2.1"],
  [/^5\.0: a client's subscription identifier/, "not looked at before 2.1"],
  [/^5\.0: SUBSCRIBE to \$share/, "shared filters are not looked at before 2.1"],
  [/^5\.0: No Local on a shared one/, "not looked at before 2.1"],
  [/^5\.0: DISCONNECT with the code 4 /, "its WebSocket stays open before 2.1"],
  [/^delivers once or once each to overlapping filters/, "before 5.0 the last filter's QoS is taken"],
  [/^takes a QoS 2 message once/, "a repeated PUBLISH after a reconnection closes it"],
  [/^a shared subscription gets no retained messages/, "it gets them before 2.1"],
  [/^DISCONNECT 0x04 /, "its WebSocket stays open before 2.1"],
  [/^the end of the session ends the delay/, "a delay without a session is waited for"],
  [/^Clean Start ends the old session/, "the delay is waited for"],
  [/^no more than the client's Receive Maximum/, "several PUBACKs in one read let too many out"],
  [/^a QoS 2 message over the server's Receive Maximum/, "refused by PUBREC 0x97"],
  [/^a packet over the server's Maximum Packet Size/, "counted without the fixed header"],
  [/^a dropped message makes room/, "the QoS 2 slot of a dropped message stays taken"],
  [/^(refuses a length over the limit|flags are refused) before/, "waits for the whole packet"],
  [/^ten thousand PINGREQs/, "its WebSocket stops reading"],
  [/^half a SUBSCRIBE/, "3.1.1 keeps the first half"],
  [/^closes at a text frame/, "text frames are read like binary ones"],
  [/^picks mqtt out of a list/, "mqttv3.1 is spoken too"],
];

/** True when the run is against mosquitto and this test is known not to hold there. */
export function mosquittoDiffers(name: string): boolean {
  return !isSentinel && differences.some(([pattern]) => pattern.test(`${name} (`));
}
