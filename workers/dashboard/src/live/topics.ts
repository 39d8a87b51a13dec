/** Topic filters of one organisation, and which of them a message's topic falls under. */
export const statusOf = (org: string, device: string): string => `sentinel/${org}/devices/${device}/status`;
export const telemetryOf = (org: string, device: string): string => `sentinel/${org}/devices/${device}/telemetry`;
export const repliesOf = (org: string, device: string): string => `sentinel/${org}/devices/${device}/replies/+`;

/** MQTT topic matching [MQTT-4.7.1]; `+` matches one level, a trailing `#` all that follow. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (const [index, part] of wanted.entries()) {
    if (part === "#") return true;
    if (levels[index] === undefined || (part !== "+" && part !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}

/** The device a topic of ours speaks of; null for any other topic. */
export function deviceOf(topic: string): string | null {
  const [root, , kind, device] = topic.split("/");
  return root === "sentinel" && kind === "devices" ? (device ?? null) : null;
}
