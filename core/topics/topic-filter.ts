import { isTopicText, type TopicName } from "./topic-name.ts";

declare const filterBrand: unique symbol;
/** A checked topic filter, without a `$share` prefix. */
export type TopicFilter = string & { readonly [filterBrand]: true };

export interface FilterSpec {
  /** The group of a shared subscription, or null. */
  readonly share: string | null;
  readonly filter: TopicFilter;
}

/** Parses a filter; null when `#` is not last [MQTT-4.7.1-2] or a wildcard shares its level [MQTT-4.7.1-3]. */
export function parseTopicFilter(text: string): TopicFilter | null {
  if (!isTopicText(text)) return null;
  const levels = text.split("/");
  const ok = levels.every((level, index) => {
    if (level === "#") return index === levels.length - 1;
    return level === "+" || !/[+#]/.test(level);
  });
  return ok ? (text as TopicFilter) : null;
}

/**
 * Parses what SUBSCRIBE carries: a filter, or `$share/{group}/{filter}` (MQTT 5 section 4.8.2, also
 * offered to 3.1.1 clients).
 */
export function parseSubscription(text: string): FilterSpec | null {
  if (text !== "$share" && !text.startsWith("$share/")) {
    const filter = parseTopicFilter(text);
    return filter === null ? null : { share: null, filter };
  }
  if (!isTopicText(text)) return null;
  const [, share, ...rest] = text.split("/");
  if (share === undefined || share === "" || /[+#]/.test(share)) return null;
  const filter = parseTopicFilter(rest.join("/"));
  return filter === null ? null : { share, filter };
}

/** True when the filter matches the name (section 4.7). */
export function matchesTopic(filter: TopicFilter, name: TopicName): boolean {
  const pattern = filter.split("/");
  const levels = name.split("/");
  // A leading wildcard never matches a topic that begins with `$` [MQTT-4.7.2-1].
  if (name.startsWith("$") && (pattern[0] === "#" || pattern[0] === "+")) return false;
  for (let index = 0; index < pattern.length; index += 1) {
    const wanted = pattern[index];
    // `a/#` also matches `a` itself (section 4.7.1.2).
    if (wanted === "#") return true;
    if (index >= levels.length) return false;
    if (wanted !== "+" && wanted !== levels[index]) return false;
  }
  return pattern.length === levels.length;
}

/**
 * True when every name that `filter` can match begins with exactly these levels. Conservative by
 * construction: each level of the prefix must stand there literally, so no wildcard can reach beyond it.
 */
export function filterLiesUnder(filter: TopicFilter, prefix: readonly string[]): boolean {
  const levels = filter.split("/");
  return levels.length > prefix.length && prefix.every((level, index) => levels[index] === level);
}
