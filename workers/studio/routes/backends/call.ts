import { type BackendMethod, findBackendRoute } from "../../../../core/backends/backend-route.ts";
import { allowsRole, servesOrganisation } from "../../../../core/backends/registration.ts";
import type { RouteName } from "../../../../core/routes.ts";
import { mac } from "../../auth/keys.ts";
import {
  type BackendOutcome,
  type BackendRequest,
  type Called,
  callBackend,
  triesOf,
} from "../../backends/call-backend.ts";
import type { Backend } from "../../backends/registry.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { type HandlerResult, refuse } from "../../http/result.ts";
import { logFailure } from "../../log.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { backendBody, backendParams, backendQuery, backendText } from "./schemas.ts";

const shape = {
  caller: "member",
  params: backendParams,
  query: backendQuery,
  status: 200,
  media: "text/plain; charset=utf-8",
  answer: backendText,
} as const;

interface Asked {
  readonly params: { readonly backend: string; readonly rest: string };
  readonly query: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const withoutBody = (name: RouteName, method: BackendMethod) =>
  defineRoute(name, shape, (context, { params, query }) => handOn(context, method, { params, query }));
const withBody = (name: RouteName, method: BackendMethod) =>
  defineRoute(name, { ...shape, body: backendBody }, (context, asked) => handOn(context, method, asked));

export const backendCalls = [
  withoutBody("getFromBackend", "GET"),
  withBody("postToBackend", "POST"),
  withBody("putToBackend", "PUT"),
  withBody("patchAtBackend", "PATCH"),
  withoutBody("deleteAtBackend", "DELETE"),
];

/**
 * Hands a member's request on to a backend, if its registration takes it from a member of this organisation in this
 * role. Whatever is not registered is not there.
 */
async function handOn(context: MemberContext, method: BackendMethod, asked: Asked): Promise<HandlerResult<string>> {
  const { services, membership, requestId, idempotencyKey } = context;
  const { params, query, body } = asked;
  const backend = services.backends.get(params.backend);
  if (backend === undefined || !servesOrganisation(backend.registration, membership.org)) return refuse("not_found");
  const route = findBackendRoute(backend.registration.routes, method, params.rest);
  if (route === null) return refuse("not_found");
  if (!allowsRole(route, membership.role)) return refuse("forbidden");
  const unknown = Object.keys(query).find((field) => !route.query.includes(field));
  if (unknown !== undefined)
    return refuse("invalid_request", { errors: [{ path: unknown.slice(0, 64), message: "is not known here" }] });

  const request: BackendRequest = {
    method,
    rest: params.rest,
    query,
    body: body === undefined ? null : JSON.stringify(body),
    idempotencyKey: idempotencyKey === null ? null : keyFor(context, backend, params.rest, idempotencyKey),
    keyHonoured: idempotencyKey !== null && route.honours_idempotency_key,
    requestId,
  };
  const admission = await fromPart("backend circuits", async () =>
    services.circuits.admit(
      await context.asUser("durable-objects.backends"),
      backend.name,
      backend.policy,
      triesOf(backend, request),
    ),
  );
  if (admission.kind === "open") return unavailable(admission.retryAfterMs);
  const called = await callBackend(backend, request, admission.assertions, {
    now: services.now,
    randomBytes: services.randomBytes,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  services.defer(tell(context, backend, admission.ticket, called));
  note(context, backend, called);
  return resultOf(called.outcome);
}

/**
 * The key that the backend sees: another one for each person, organisation and place, because a backend that kept
 * answers by a client's own key would answer one organisation with what it told another.
 */
function keyFor(context: MemberContext, backend: Backend, rest: string, key: string): string {
  const { services, membership, person, routeName } = context;
  const parts = ["backend", backend.name, membership.org, person.user, routeName, rest, key];
  return mac(services.keys.idempotency, parts).toString("base64url");
}

/** What came of it, after the answer: the circuit learns, and nobody waits. */
async function tell(
  context: MemberContext,
  { name, policy }: Backend,
  ticket: Parameters<MemberContext["services"]["circuits"]["settle"]>[3],
  { heard }: Called,
): Promise<void> {
  try {
    const call = await context.asUser("durable-objects.backends");
    await context.services.circuits.settle(call, name, policy, ticket, heard);
  } catch (error) {
    // A probe that nobody settles counts as lost.
    logFailure({ request_id: context.requestId, route: context.routeName, step: "settle" }, error);
  }
}

/** For whoever runs the platform: which backend, and what is wrong with it. Nothing that it said. */
function note({ requestId, routeName }: MemberContext, { name }: Backend, { outcome, tries }: Called): void {
  const why = whyFailed(outcome);
  if (why === null) return;
  const error = new Error(`backend ${name}: ${why} (${tries} tries)`);
  logFailure({ request_id: requestId, route: routeName, step: "callBackend" }, error);
}

function whyFailed(outcome: BackendOutcome): string | null {
  switch (outcome.kind) {
    case "unusable":
      return outcome.why;
    case "broken":
      return `it answered with ${outcome.status}`;
    case "timed_out":
      return "it did not answer in time";
    case "unreachable":
      return "no connection";
    default:
      return null;
  }
}

function resultOf(outcome: BackendOutcome): HandlerResult<string> {
  switch (outcome.kind) {
    case "answered": {
      const { type, status, text } = outcome;
      const contentType = type === "application/json" ? type : `${type}; charset=utf-8`;
      return { kind: "answer", status, body: text, headers: { "Content-Type": contentType } };
    }
    case "done":
      return { kind: "answer", status: 204, body: "" };
    case "refused":
      return refuse("backend_refused", {
        extensions: { backend_status: outcome.status, backend_answer: outcome.said },
      });
    case "busy":
      return unavailable(outcome.retryAfterMs);
    case "timed_out":
      return refuse("backend_timeout");
    case "broken":
    case "unreachable":
    case "unusable":
      return refuse("backend_failed");
  }
}

const unavailable = (retryAfterMs: number): HandlerResult<string> =>
  refuse("backend_unavailable", { headers: { "Retry-After": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) } });
