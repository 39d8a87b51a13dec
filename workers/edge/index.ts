import { makeId } from "../../core/ids.ts";
import { problemResponse } from "../../core/problem.ts";
import type { Env } from "./env.ts";
import { gates } from "./gates/index.ts";
import { handle } from "./handle.ts";
import { createIsolate, type Isolate } from "./isolate.ts";
import { logFailure } from "./log.ts";
import { setStrictHeaders } from "./response-headers.ts";

const now = (): number => Date.now();

/** Written once, by the first request of this isolate. */
let isolate: Isolate | undefined;

/**
 * The edge: the only Worker with a route. It judges every request by the gates of gates/index.ts, in
 * that order, and hands on what they admit. It holds nothing secret.
 */
export default {
  async fetch(request, env, ctx): Promise<Response> {
    const nowMs = now();
    const requestId = makeId("request", nowMs, crypto.getRandomValues(new Uint8Array(10)));
    try {
      isolate ??= createIsolate(env, now);
      const answering = handle({ request, env, isolate, requestId, nowMs }, gates);
      // A client that gives up must not take its place among the upgrades along: what was begun comes to its end.
      if (request.headers.has("Upgrade")) ctx.waitUntil(answering.catch(() => undefined));
      const answer = await answering;
      const { pace } = isolate;
      const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms / pace));
      for (const counted of [isolate.refusals, isolate.traffic, isolate.wafRecords]) {
        const reported = counted.reportLater(env.EDGE_EVENTS, pause);
        if (reported !== null) ctx.waitUntil(reported);
      }
      return answer;
    } catch (error) {
      // A broken configuration or a bug: nothing was admitted, and the answer says no more than that.
      logFailure({ event: "gate_failed", requestId }, error);
      const answer = problemResponse("unavailable", requestId);
      setStrictHeaders(answer.headers, requestId, null);
      return answer;
    }
  },
} satisfies ExportedHandler<Env>;
