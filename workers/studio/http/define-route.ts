import type { z } from "@hono/zod-openapi";
import type { OrgId } from "../../../core/ids.ts";
import { type RouteName, type RouteSpec, routes } from "../../../core/routes.ts";
import type { MemberContext, OperatorContext, OwnContext, RequestContext } from "../pipeline/request-context.ts";
import type { HandlerResult, RawMedia } from "./result.ts";

/** Who stands before the handler. It must agree with the route's policy, or studio refuses to boot. */
export interface ContextByCaller {
  readonly anyone: RequestContext;
  readonly person: OwnContext;
  readonly member: MemberContext;
  readonly operator: OperatorContext;
}
export type CallerKind = keyof ContextByCaller;

/** Which log an event of the route belongs to, when the path alone does not say. Reads only. */
export type LogChooser<Body> = (context: RequestContext, body: Body) => Promise<OrgId | null>;

export interface RouteShape<C extends CallerKind, P, Q, B, A extends z.ZodType> {
  readonly caller: C;
  /** Path parameters other than `org`, which the pipeline resolves. A value that does not parse is a 404. */
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  /** JSON body. Absent: the route takes none. */
  readonly body?: z.ZodType<B>;
  readonly status: 200 | 201 | 202 | 204;
  /** Body of the answer; the handler's type follows from it. */
  readonly answer: A;
  /** What an answer is when it is not JSON: its body is sent as it is. Reads only. */
  readonly media?: RawMedia;
  readonly log?: LogChooser<B>;
  /** A route that writes no audit event says why. */
  readonly unaudited?: string;
  /** A write that leaves one event, before its answer, and no intent before its work, says why. */
  readonly inOneEvent?: string;
  /**
   * Begins reading what the handler will want, while the intent is put on record. It changes nothing, and nothing of it is shown
   * before the record is there.
   */
  readonly readAhead?: (context: ContextByCaller[C]) => void;
}

export interface RouteInput<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

/** One route of studio: its row of the route table, its schemas and its handler. */
export interface RouteDefinition {
  readonly name: RouteName;
  readonly spec: RouteSpec;
  readonly caller: CallerKind;
  readonly params: z.ZodType | null;
  readonly query: z.ZodType | null;
  readonly body: z.ZodType | null;
  readonly status: 200 | 201 | 202 | 204;
  readonly answer: z.ZodType;
  readonly media: RawMedia | null;
  readonly log: LogChooser<unknown> | null;
  readonly unaudited: string | null;
  readonly inOneEvent: string | null;
  readonly readAhead: ((context: RequestContext) => void) | null;
  readonly handle: (
    context: RequestContext,
    input: RouteInput<unknown, unknown, unknown>,
  ) => Promise<HandlerResult<unknown>>;
}

/**
 * Defines a route: method, path and policy come from core/routes.ts, so a route without them has no name.
 * @param name the route's name in core/routes.ts
 */
export function defineRoute<
  C extends CallerKind,
  A extends z.ZodType,
  P = Record<never, never>,
  Q = Record<never, never>,
  B = undefined,
>(
  name: RouteName,
  shape: RouteShape<C, P, Q, B, A>,
  handler: (context: ContextByCaller[C], input: RouteInput<P, Q, B>) => Promise<HandlerResult<z.input<A>>>,
): RouteDefinition {
  return {
    name,
    spec: routes[name],
    caller: shape.caller,
    params: shape.params ?? null,
    query: shape.query ?? null,
    body: shape.body ?? null,
    status: shape.status,
    answer: shape.answer,
    media: shape.media ?? null,
    log: (shape.log as LogChooser<unknown> | undefined) ?? null,
    unaudited: shape.unaudited ?? null,
    inOneEvent: shape.inOneEvent ?? null,
    readAhead: (shape.readAhead as ((context: RequestContext) => void) | undefined) ?? null,
    // The pipeline parses the input by this very shape and checks the caller before it calls:
    // the two casts restate what it has established.
    handle: (context, input) => handler(context as ContextByCaller[C], input as RouteInput<P, Q, B>),
  };
}
