/**
 * The gateway's own code in the process that asks: HTTP to the one beside it took four fifths of what a statement
 * costs here. What travels is the same text both ways, on connections of the same pools; workerd, programs and
 * WebSockets go on to the one that listens. server/gateway.test.ts says the same of both.
 */

import { answerSql } from "../../scripts/postgres/gateway.ts";
import { ConnectionPools } from "../../scripts/postgres/gateway-pools.ts";

/**
 * Answers `fetch` to a gateway's `/sql` by itself, and lets everything else pass.
 * @param gateway its `host:port`
 * @param clusters the `host:port` that it may reach
 * @returns the `fetch` of before, which goes there
 */
export function answerHere(gateway: string, clusters: readonly string[]): typeof fetch {
  const allowed: ReadonlySet<string> = new Set(clusters);
  const pools = new ConnectionPools(Number.POSITIVE_INFINITY);
  const far = globalThis.fetch;
  const here = `http://${gateway}/sql`;
  globalThis.fetch = (input, init) =>
    input === here && init?.method === "POST" ? answer(init, allowed, pools) : far(input, init);
  return far;
}

async function answer(init: RequestInit, allowed: ReadonlySet<string>, pools: ConnectionPools): Promise<Response> {
  const gone = init.signal ?? new AbortController().signal;
  gone.throwIfAborted();
  const headers = Object.fromEntries(new Headers(init.headers));
  const whole = answerSql({ headers, body: async () => String(init.body), gone }, allowed, pools).then(
    ({ status, body }) => Response.json(body, { status }),
  );
  // As `fetch` does: at once, also while the statement is still being cut off.
  let leave = (): void => undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(gone.reason);
    gone.addEventListener("abort", leave, { once: true });
  });
  try {
    return await Promise.race([whole, left]);
  } finally {
    gone.removeEventListener("abort", leave);
    // Nobody hears how it ended once it is left.
    whole.catch(() => undefined);
  }
}
