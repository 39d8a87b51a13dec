declare const nameBrand: unique symbol;
/** A checked topic name: what a message is published to. */
export type TopicName = string & { readonly [nameBrand]: true };

/** Longest topic name or filter, in UTF-8 bytes: what its length field can say (section 1.5.4). */
export const topicBytesMax = 65_535;
/** Most levels in a topic, 200 below a device's own four; each costs a comparison at each subscription. */
export const topicLevelsMax = 204;

const encoder = new TextEncoder();

/** What names and filters share (section 4.7.3): 1 to `topicBytesMax` bytes, no U+0000, a bounded number of levels. */
export function isTopicText(text: string): boolean {
  if (text.length === 0 || text.length > topicBytesMax || text.includes("\0") || !text.isWellFormed()) return false;
  // A character is at most three bytes, so only long texts have to be counted.
  if (text.length > topicBytesMax / 3 && encoder.encode(text).length > topicBytesMax) return false;
  return text.split("/").length <= topicLevelsMax;
}

/** Parses a topic name; null when it has a wildcard [MQTT-3.3.2-2], is empty [MQTT-4.7.3-1] or too long. */
export function parseTopicName(text: string): TopicName | null {
  return isTopicText(text) && !text.includes("+") && !text.includes("#") ? (text as TopicName) : null;
}
