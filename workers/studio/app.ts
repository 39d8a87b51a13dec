import { OpenAPIHono } from "@hono/zod-openapi";
import { parseId } from "../../core/ids.ts";
import { problemResponse } from "../../core/problem.ts";
import { matchRoute, type RouteSpec, routes } from "../../core/routes.ts";
import { studioHeaders } from "../../core/rpc/studio.ts";
import { assertRoutes } from "./assert-routes.ts";
import type { RouteDefinition } from "./http/define-route.ts";
import { registerDefinitions } from "./openapi/document.ts";
import type { Exchange } from "./pipeline/exchange.ts";
import { run } from "./pipeline/run.ts";
import type { Services } from "./services.ts";

/**
 * Builds the application of one isolate.
 * @throws when a route has no policy, no handler or two, or a handler for another caller: studio does not boot
 */
export function createApp(
  services: Services,
  definitions: readonly RouteDefinition[],
  table: Readonly<Record<string, RouteSpec>> = routes,
): OpenAPIHono {
  assertRoutes(definitions, table);
  const app = new OpenAPIHono();
  registerDefinitions(app, definitions);
  for (const definition of definitions) {
    const pattern = definition.spec.path.replaceAll(/\{(\w+)\}/g, ":$1").replace(/\{(\w+)\*\}$/, ":$1{.+}");
    app.on(definition.spec.method, pattern, (context) => run(exchangeOf(services, definition, context.req.raw)));
  }
  app.notFound((context) => missing(services, context.req.raw));
  return app;
}

function exchangeOf(services: Services, definition: RouteDefinition, request: Request): Exchange {
  const url = new URL(request.url);
  const match = matchRoute(request.method, url.pathname);
  return {
    services,
    definition,
    request,
    url,
    startedAtMs: services.now(),
    params: "params" in match ? match.params : {},
    requestId: services.makeId("request"),
    clientIp: "",
    person: null,
    presented: null,
    own: null,
    membership: null,
    operator: false,
    scope: null,
    platform: null,
    input: { params: {}, query: {}, body: undefined },
    rawBody: "",
    log: null,
    idempotency: null,
    intent: null,
    caused: [],
    result: null,
    threw: false,
    answer: null,
  };
}

function missing(services: Services, request: Request): Response {
  const given = parseId("request", request.headers.get(studioHeaders.requestId));
  const requestId = given ?? services.makeId("request");
  const match = matchRoute(request.method, new URL(request.url).pathname);
  if ("miss" in match && match.miss === "method_not_allowed") {
    return problemResponse("method_not_allowed", requestId, { headers: { Allow: match.allow.join(", ") } });
  }
  return problemResponse("not_found", requestId);
}
