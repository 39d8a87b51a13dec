import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgId, RequestId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { Audience } from "../../../core/mesh/workloads.ts";
import type { RouteName } from "../../../core/routes.ts";
import type { GeoSeen } from "../../../core/tenancy/geo-seen.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { OrgScope, PlatformScope } from "../../../store/control/org-scope.ts";
import type { OwnThings } from "../../../store/control/own-things.ts";
import type { WriteRequest } from "../../../store/control/receipts.ts";
import type { Membership, Person } from "../../../store/control/sessions.ts";
import type { Services } from "../services.ts";

/** What a handler knows of a request from anyone. */
export interface RequestContext {
  readonly services: Services;
  readonly requestId: RequestId;
  /** When the request came in, Unix milliseconds. */
  readonly startedAtMs: number;
  readonly routeName: RouteName;
  readonly clientIp: string;
  readonly userAgent: string;
  /** ISO 3166 code of where the request comes from, as the edge saw it; "" if it said none. */
  readonly country: string;
  /** What the edge's geo gate saw; null if it said nothing. */
  readonly geo: GeoSeen | null;
  /** What the edge took the request's credential from. */
  readonly credential: "cookie" | "bearer" | "none";
  /** The organisation in the path as it was written, id or slug; null when the path names none. */
  readonly orgReference: string | null;
  /** The Idempotency-Key that this request has claimed; null: it has none. */
  readonly idempotencyKey: string | null;
  /** The Cookie header. Only sign-in and sign-out look at it, to end the old session. */
  readonly cookieHeader: string | null;
  /** The fields `Range` and `If-Range`, as they came. */
  readonly range: { readonly wanted: string | null; readonly onlyOf: string | null };
  /** The body of a route that takes bytes or what is signed; null when there is none. */
  readonly bytes: ReadableStream<Uint8Array> | null;
  /** The field that a signed body is signed in, as it came; "" when there is none, and on every other route. */
  readonly signature: string;
  /** Marks a change with this request, at this moment. */
  write(): WriteRequest;
  /**
   * Says what has just been done for good. Recorded together with the outcome also when the rest of the
   * work then fails, which a result's `alongside` is not.
   */
  caused(events: readonly AuditFields[]): void;
}

/** … from a signed-in person. */
export interface PersonContext extends RequestContext {
  readonly person: Person;
  /** A call inward on the person's behalf for an organisation they belong to. */
  asUserOf(membership: { readonly org: OrgId; readonly role: Role }, audience: Audience): Promise<SignedCall>;
}

/** … about what is their own: no organisation is addressed. */
export interface OwnContext extends PersonContext {
  /** Read with the session. */
  readonly own: OwnThings;
}

/** … from a member of the organisation in the path, whose role grants the route's permission. */
export interface MemberContext extends PersonContext {
  readonly membership: Membership;
  /** What store/control lets them do there. */
  readonly scope: OrgScope;
  /** A call inward on the member's behalf. */
  asUser(audience: Audience): Promise<SignedCall>;
}

/** … from whoever runs the platform: no person, no organisation. */
export interface OperatorContext extends RequestContext {
  /** By its absence in every other context, a function that asks for this one is the operator's alone. */
  readonly operator: true;
  readonly platform: PlatformScope;
}
