import { encodeField } from "./utf8.ts";

/** One message goes to many sockets in a row, so the topic that was encoded last is the next one mostly. */
let lastTopic = "";
let lastField: Uint8Array = new Uint8Array(2);

/**
 * A topic behind its two bytes of length. Not to be written to.
 * @throws RangeError when it is no MQTT string
 */
export function encodedTopic(topic: string): Uint8Array {
  if (topic !== lastTopic) {
    lastField = encodeField(topic);
    lastTopic = topic;
  }
  return lastField;
}
