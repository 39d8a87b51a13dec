/**
 * studio: identity, RBAC and the API. It has no route of its own: the edge reaches `PublicApi` and
 * `SessionExchange` over bindings, everything else gets 404.
 */
import { WorkerEntrypoint, waitUntil } from "cloudflare:workers";
import type { OrgId } from "../../core/ids.ts";
import type { SessionExchangeResult, SessionExchangeRpc } from "../../core/rpc/studio.ts";
import { exchangeSession } from "./auth/exchange-session.ts";
import { createStudio, type Studio } from "./create-studio.ts";
import type { Environment } from "./environment.ts";
import { type ExportBatch, runExportBatch } from "./exports/queue.ts";
import { everyMinute, runEveryMinute, runHourly } from "./scheduled.ts";
import { createServices } from "./services.ts";

/** Written once by `studioOf`. An isolate has one environment, so one studio. */
let studio: Studio | null = null;

function studioOf(env: Environment): Studio {
  studio ??= createStudio(
    createServices(env, {
      now: () => Date.now(),
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      defer: (work) => waitUntil(work),
      fetch: (input, init) => fetch(input, init),
    }),
  );
  return studio;
}

/** The HTTP API, for the edge. */
export class PublicApi extends WorkerEntrypoint<Environment> {
  override fetch(request: Request): Promise<Response> {
    return studioOf(this.env).fetch(request);
  }
}

/** The session cookie for a short-lived token, for the edge. */
export class SessionExchange extends WorkerEntrypoint<Environment> implements SessionExchangeRpc {
  exchange(sessionSecret: string, org: OrgId | null, requestId: string, renew = false): Promise<SessionExchangeResult> {
    return exchangeSession(studioOf(this.env).services, sessionSecret, org, requestId, renew);
  }
}

export default {
  fetch: (): Response => new Response(null, { status: 404 }),
  scheduled: (event: { readonly cron: string }, env: Environment): Promise<void> =>
    event.cron === everyMinute ? runEveryMinute(studioOf(env).services) : runHourly(studioOf(env).services),
  queue: (batch: ExportBatch, env: Environment): Promise<void> => runExportBatch(studioOf(env).services, batch),
};
