/**
 * The server's Receive Maximum: how many QoS 1 messages may be without an answer at once
 * [MQTT-3.3.4-9]. What has no room waits in order. Pure.
 *
 * The waiting line is bounded by its callers: a send window of readings and the journal's replies.
 */
export class SendQuota {
  /** Written by `send`, `answered`. Invariant: never below 0. */
  #room: number;
  readonly #waiting: (() => void)[] = [];

  constructor(receiveMaximum: number) {
    this.#room = receiveMaximum;
  }

  /** Calls `action` now, or when its turn comes. */
  send(action: () => void): void {
    if (this.#room === 0) {
      this.#waiting.push(action);
      return;
    }
    this.#room -= 1;
    action();
  }

  /** One message was answered, whatever the answer [MQTT 5.0, 4.9]. */
  answered(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#room += 1;
    else next();
  }
}
