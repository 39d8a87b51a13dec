import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgId, RequestId } from "../../../core/ids.ts";
import type { SignedCall, VerifiedAccess } from "../../../core/mesh/claims.ts";
import type { Audience } from "../../../core/mesh/workloads.ts";
import type { IntentHandle } from "../../../core/rpc/durable-objects.ts";
import { studioHeaders } from "../../../core/rpc/studio.ts";
import { readGeoSeen } from "../../../core/tenancy/geo-seen.ts";
import type { IdempotencyClaim } from "../../../store/control/idempotency.ts";
import type { OrgScope, PlatformScope } from "../../../store/control/org-scope.ts";
import type { OwnThings } from "../../../store/control/own-things.ts";
import type { LiveSession, Membership, Person } from "../../../store/control/sessions.ts";
import type { RouteDefinition, RouteInput } from "../http/define-route.ts";
import type { AnswerHeaders, HandlerResult, Refusal } from "../http/result.ts";
import type { Services } from "../services.ts";
import { callAsUser } from "./call-as-user.ts";
import type { MemberContext, OperatorContext, OwnContext } from "./request-context.ts";

/** An answer ready to be sent: what idempotency keeps and replays. */
export interface PlainAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: string;
  /** In place of `body`, where a read's answer is no text. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** … or where it is too large to be held. Nobody has read of it before the request is on record. */
  readonly stream?: ReadableStream<Uint8Array>;
}

/** One request on its way through the steps. Each field names the step that writes it; later steps only read. */
export interface Exchange {
  readonly services: Services;
  readonly definition: RouteDefinition;
  readonly request: Request;
  readonly url: URL;
  /** Before the steps: Unix milliseconds. */
  readonly startedAtMs: number;
  /** Before the steps: raw path parameters, not percent-decoded. */
  readonly params: Readonly<Record<string, string>>;

  /** `readContext`. */
  requestId: RequestId;
  clientIp: string;
  /** `authenticate`. */
  person: Person | null;
  /** The access token as presented, with what it says, and what the database says of its session. */
  presented: { readonly token: string; readonly access: VerifiedAccess; readonly found: LiveSession } | null;
  /** `authenticate`, for routes that address no organisation. */
  own: OwnThings | null;
  /** `authenticate` finds it, `requireMembership` demands it. */
  membership: Membership | null;
  /** `authenticate`: the caller holds the operator's token. Never together with a person. */
  operator: boolean;
  /** `grantScope`: what store/control lets this request do. */
  scope: OrgScope | null;
  platform: PlatformScope | null;
  /** `parseInput`. */
  input: RouteInput<unknown, unknown, unknown>;
  rawBody: string;
  /** `chooseLog`: the organisation whose log this request belongs to; null: a platform log. */
  log: OrgId | null;
  /** `claimIdempotency`: null when there is no key. */
  idempotency: { readonly claim: IdempotencyClaim; readonly key: string } | null;
  /** `recordIntent`: null for reads. */
  intent: IntentHandle | null;
  /** `runHandler`, whose handler adds to it as it goes: recorded with the outcome, whatever that is. */
  readonly caused: AuditFields[];
  /** `runHandler`. */
  result: HandlerResult<unknown> | null;
  answer: PlainAnswer | null;
  /** `runHandler`: the handler threw, so nobody here knows what of its work was committed. */
  threw: boolean;
}

/** Where a step leaves the request. */
export type Verdict =
  | { readonly kind: "continue" }
  /** Stops here; audited as one event once somebody is known. */
  | { readonly kind: "refuse"; readonly refusal: Refusal }
  /** Stops here with a kept answer. */
  | { readonly kind: "replay"; readonly answer: PlainAnswer };

export const proceed: Verdict = { kind: "continue" };

export interface Step {
  readonly name: string;
  readonly run: (exchange: Exchange) => Promise<Verdict>;
}

/** The handler's view of an exchange. */
export function contextOf(exchange: Exchange): MemberContext & OwnContext & OperatorContext {
  const { services, definition, requestId, request } = exchange;
  const person = exchange.person;
  const membership = exchange.membership;
  const asUserOf: MemberContext["asUserOf"] = (of, audience) => userCall(exchange, of, audience);
  return {
    services,
    requestId,
    startedAtMs: exchange.startedAtMs,
    routeName: definition.name,
    clientIp: exchange.clientIp,
    userAgent: (request.headers.get("User-Agent") ?? "").slice(0, 512),
    country: request.headers.get(studioHeaders.country) ?? "",
    geo: readGeoSeen(request.headers.get(studioHeaders.geo)),
    credential: credentialOf(request.headers.get(studioHeaders.credential)),
    orgReference: exchange.params["org"] ?? null,
    idempotencyKey: exchange.idempotency?.key ?? null,
    cookieHeader: request.headers.get("Cookie"),
    range: { wanted: request.headers.get("Range"), onlyOf: request.headers.get("If-Range") },
    bytes: definition.spec.takes === "bytes" || definition.spec.takes === "signed" ? request.body : null,
    signature: definition.spec.takes === "signed" ? (request.headers.get("Stripe-Signature") ?? "") : "",
    write: () => ({ requestId, nowMs: services.now() }),
    caused: (events) => void exchange.caused.push(...events),
    // Absent for routes of a lesser caller, whose handlers' types don't have them either.
    person: person as Person,
    own: exchange.own as OwnThings,
    membership: membership as Membership,
    scope: exchange.scope as MemberContext["scope"],
    operator: exchange.operator as true,
    platform: exchange.platform as OperatorContext["platform"],
    asUserOf,
    asUser: (audience) => {
      if (membership === null) throw new Error("a route without membership called on a member's behalf");
      return asUserOf(membership, audience);
    },
  };
}

function credentialOf(header: string | null): MemberContext["credential"] {
  return header === "cookie" || header === "bearer" ? header : "none";
}

/**
 * A call on the person's behalf. The presented token is used if it is for exactly this organisation and
 * today's role, else one is signed that is.
 */
export async function userCall(
  exchange: Exchange,
  of: Pick<Membership, "org" | "role">,
  audience: Audience,
): Promise<SignedCall> {
  const { services, person, presented, requestId } = exchange;
  if (person === null) throw new Error("a route without a person called on a person's behalf");
  if (presented !== null && presented.access.org === of.org && presented.access.role === of.role) {
    return services.caller.asUser(audience, presented.token, requestId);
  }
  const subject = { user: person.user, session: person.session, scope: { org: of.org, role: of.role } };
  return callAsUser(services, subject, audience, requestId);
}
