/** Topic filters of one organisation, and which of them a message's topic falls under. */
export declare const statusOf: (org: string, device: string) => string;
export declare const telemetryOf: (org: string, device: string) => string;
export declare const repliesOf: (org: string, device: string) => string;
/** MQTT topic matching [MQTT-4.7.1]; `+` matches one level, a trailing `#` all that follow. */
export declare function matches(filter: string, topic: string): boolean;
/** The device a topic of ours speaks of; null for any other topic. */
export declare function deviceOf(topic: string): string | null;
