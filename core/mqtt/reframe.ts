import type { QoS } from "./packets.ts";
import { variableByteIntegerBytes, writeVariableByteInteger } from "./variable-byte-integer.ts";

/**
 * Makes one PUBLISH out of another's bytes: same topic, same properties and payload, other flags and packet
 * id. Copying costs a fraction of encoding the topic again.
 * @param bytes a whole PUBLISH that the decoder has accepted
 * @param packetId 1–65,535; null at QoS 0
 * @returns bytes of their own
 */
export function reframePublish(bytes: Uint8Array, qos: QoS, retain: boolean, packetId: number | null): Uint8Array {
  let bodyAt = 1;
  while (((bytes[bodyAt] ?? 0) & 0x80) !== 0) bodyAt += 1;
  bodyAt += 1;
  const topicEnd = bodyAt + 2 + (((bytes[bodyAt] ?? 0) << 8) | (bytes[bodyAt + 1] ?? 0));
  const restAt = ((bytes[0] ?? 0) & 0b0110) === 0 ? topicEnd : topicEnd + 2;
  const topicBytes = topicEnd - bodyAt;
  const firstByte = 0x30 | (qos << 1) | (retain ? 1 : 0);
  const idBytes = packetId === null ? 0 : 2;
  if (restAt - topicEnd === idBytes) {
    const same = bytes.slice();
    same[0] = firstByte;
    if (packetId !== null) {
      same[topicEnd] = packetId >> 8;
      same[topicEnd + 1] = packetId & 0xff;
    }
    return same;
  }
  const body = topicBytes + idBytes + (bytes.length - restAt);
  const made = new Uint8Array(1 + variableByteIntegerBytes(body) + body);
  made[0] = firstByte;
  let at = writeVariableByteInteger(body, made, 1);
  made.set(bytes.subarray(bodyAt, topicEnd), at);
  at += topicBytes;
  if (packetId !== null) {
    made[at] = packetId >> 8;
    made[at + 1] = packetId & 0xff;
    at += 2;
  }
  made.set(bytes.subarray(restAt), at);
  return made;
}
