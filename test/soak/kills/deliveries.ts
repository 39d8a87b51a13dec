/** What must be true of messages after any number of kills. Each returns the first thing that is not. */

export interface PublishedMessages {
  readonly name: string;
  readonly qos: 1 | 2;
  /** Numbers 0…sent-1 were published, in this order. */
  readonly sent: number;
  /** Those that the server has taken over: PUBACK or PUBREC came. */
  readonly taken: ReadonlySet<number>;
}

/**
 * QoS 1 at least once, QoS 2 exactly once, nothing that was never sent, and whatever comes for the first
 * time in the order of publication [MQTT-4.6.0-5].
 * @param received numbers by the publisher's name, as the application was given them
 */
export function checkDeliveries(
  publishers: readonly PublishedMessages[],
  received: ReadonlyMap<string, readonly number[]>,
): string | null {
  for (const name of received.keys())
    if (!publishers.some((publisher) => publisher.name === name))
      return `a message of ${name}, which published nothing`;
  for (const publisher of publishers) {
    const problem = checkPublisher(publisher, received.get(publisher.name) ?? []);
    if (problem !== null) return `${publisher.name}, QoS ${publisher.qos}: ${problem}`;
  }
  return null;
}

function checkPublisher({ qos, sent, taken }: PublishedMessages, received: readonly number[]): string | null {
  const seen = new Set<number>();
  let newest = -1;
  for (const number of received) {
    if (number >= sent) return `message ${number} was never sent`;
    if (seen.has(number)) {
      if (qos === 2) return `message ${number} was delivered twice`;
      continue;
    }
    if (number < newest) return `message ${number} was delivered after ${newest}`;
    newest = number;
    seen.add(number);
  }
  for (const number of taken) if (!seen.has(number)) return `message ${number} was acknowledged and not delivered`;
  return null;
}

/**
 * No retained message is gone or older than one whose acknowledgement had come.
 * @param acknowledged the counter by topic, when the subscription was made
 * @param seen the counters that a fresh subscriber was given as retained
 */
export function checkRetained(
  acknowledged: ReadonlyMap<string, number>,
  seen: ReadonlyMap<string, number>,
): string | null {
  for (const [topic, counter] of acknowledged) {
    const found = seen.get(topic);
    if (found === undefined) return `the retained message of ${topic} is gone; ${counter} was acknowledged`;
    if (found < counter) return `the retained message of ${topic} is ${found} again; ${counter} was acknowledged`;
  }
  return null;
}
