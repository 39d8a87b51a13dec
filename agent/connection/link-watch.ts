/**
 * Watches a WebSocket with its own pings. They are answered while the tenant's object sleeps, which
 * an MQTT PINGREQ would wake; so the MQTT keep-alive can be long, and a dead link is still noticed
 * within 40 seconds.
 */

export interface LinkTimes {
  /** Between pings, uniform between the two, so that a school's devices don't ping in step. */
  readonly pingMsMin: number;
  readonly pingMsMax: number;
  /** After a ping, until anything at all must have arrived. */
  readonly answerMsMax: number;
}

/** Schools' proxies drop a connection that was silent for about a minute: at half of that, one may be late. */
export const linkTimes: LinkTimes = { pingMsMin: 25_000, pingMsMax: 30_000, answerMsMax: 10_000 };

export interface WatchClock {
  /** Calls back once after `ms`; returns a cancel. */
  after(ms: number, callback: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
}

/** As much of `ws` as is needed. */
export interface WatchedSocket {
  ping(): void;
  on(event: "ping" | "pong" | "message", heard: () => void): unknown;
}

/**
 * @param socket must be open
 * @param lost called once, when a ping and everything else stayed without an answer
 * @returns stops watching
 */
export function watchLink(socket: WatchedSocket, times: LinkTimes, clock: WatchClock, lost: () => void): () => void {
  /** The one pending timer's. */
  let cancel: () => void;
  /** Frames since the last ping. */
  let heard = 0;
  const listen = (): void => {
    heard += 1;
  };
  for (const event of ["ping", "pong", "message"] as const) socket.on(event, listen);
  const ping = (): void => {
    heard = 0;
    socket.ping();
    cancel = clock.after(times.answerMsMax, () => {
      if (heard === 0) lost();
      else rest(times.answerMsMax);
    });
  };
  const rest = (spentMs: number): void => {
    const betweenMs = times.pingMsMin + clock.random() * (times.pingMsMax - times.pingMsMin);
    cancel = clock.after(Math.max(0, betweenMs - spentMs), ping);
  };
  rest(0);
  return () => cancel();
}
