import { Connection } from "./connection.ts";
import type { Login } from "./packets.ts";
import type { Target } from "./target.ts";

/** How many connections are being made at once. */
const lanes = 32;
/** A subscriber that only reads shows that it lives, well within what any broker lets wait unheard. */
const pingMs = 250;

/** The connections of one case: made together, watched, and closed together. */
export class Crowd {
  readonly target: Target;
  readonly #open: Connection[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #lost: Error | null = null;

  constructor(target: Target) {
    this.target = target;
  }

  async connect(clientId: string, login: Login): Promise<Connection> {
    const connection = await Connection.open(this.target, clientId, login);
    connection.onLost = (error) => {
      this.#lost ??= error;
    };
    this.#open.push(connection);
    return connection;
  }

  /** One connection each, in the logins' order. */
  connectAll(name: string, logins: readonly Login[]): Promise<Connection[]> {
    return inLanes(logins, lanes, (login, index) => this.connect(`${name}-${index}`, login));
  }

  /** Pings from now on: for subscribers that would send nothing else. */
  keepHeard(connections: readonly Connection[]): void {
    const ping = (): void => {
      if (this.#lost === null) for (const connection of connections) connection.ping();
    };
    this.#timers.push(setInterval(ping, pingMs));
  }

  /** @throws Error when a connection ended by itself */
  check(): void {
    if (this.#lost !== null) throw new Error(`${this.target.name}: ${this.#lost.message}`);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#open.splice(0).map((connection) => connection.close()));
  }
}

/** Runs `work` with a crowd that is closed afterwards, and fails when one of it was lost. */
export async function withCrowd<T>(target: Target, work: (crowd: Crowd) => Promise<T>): Promise<T> {
  const crowd = new Crowd(target);
  try {
    const result = await work(crowd);
    crowd.check();
    return result;
  } finally {
    await crowd.close();
  }
}

/** Calls `work` on each item, `width` at once. @returns the results in the items' order */
export async function inLanes<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index] as T, index);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}

/** A function that runs `work` once after everything that this turn of the event loop brings, however often it is called. */
export function coalesced(work: () => void): () => void {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    setImmediate(() => {
      due = false;
      work();
    });
  };
}
