declare const nameBrand: unique symbol;
/** A checked topic name: what a message is published to. */
export type TopicName = string & { readonly [nameBrand]: true };

/** Longest topic name or filter, in UTF-8 bytes: ours need some 80, and it is a key in storage. */
export const topicBytesMax = 512;
/** Most levels in a topic; each level costs a comparison at each subscription. */
export const topicLevelsMax = 32;

const encoder = new TextEncoder();

/** What names and filters share (section 4.7.3): 1 to `topicBytesMax` bytes, no U+0000, few levels. */
export function isTopicText(text: string): boolean {
  if (text.length === 0 || text.length > topicBytesMax || text.includes("\0") || !text.isWellFormed()) return false;
  if (encoder.encode(text).length > topicBytesMax) return false;
  return text.split("/").length <= topicLevelsMax;
}

/** Parses a topic name; null when it has a wildcard [MQTT-3.3.2-2], is empty [MQTT-4.7.3-1] or too long. */
export function parseTopicName(text: string): TopicName | null {
  return isTopicText(text) && !text.includes("+") && !text.includes("#") ? (text as TopicName) : null;
}
