import type { RequestId } from "../../../core/ids.ts";
import type { ProblemCode } from "../../../core/problem.ts";
import type { ClientAddress } from "../client-address.ts";
import type { Env } from "../env.ts";
import type { Isolate } from "../isolate.ts";
import type { Counted } from "../rate-fields.ts";
import type { RequestTarget } from "../request-target.ts";
import type { Resolution } from "../resolve.ts";
import type { Credential } from "../verify-credential.ts";
import type { GeoJudged } from "./geo-judged.ts";

/** What is known of a request before the first gate. */
export interface RequestContext {
  readonly request: Request;
  readonly env: Env;
  readonly isolate: Isolate;
  readonly requestId: RequestId;
  readonly nowMs: number;
  readonly target: RequestTarget;
  readonly client: ClientAddress;
  readonly resolution: Resolution;
}

/** What the gates add to it. Each name is added by exactly one gate and never changed after. */
export interface Additions {
  /**
   * The whole body, read under a hard cap; of a route that takes bytes, those, still to come. Null: the request has
   * none, or nobody will be given it.
   */
  readonly body: Uint8Array | ReadableStream<Uint8Array> | null;
  /** Where the request comes from; null only on a route that takes requests from anywhere. */
  readonly country: string | null;
  /** How that was judged; `judgedByPerson` (geo-person.ts) finishes it. */
  readonly geo: GeoJudged;
  readonly credential: Credential;
  /** Every bound it was counted under; empty where nothing is counted. */
  readonly rate: readonly Counted[];
  /** An enrolment whose code is still to be judged, by who can; null of every other request. */
  readonly guess: Guess | null;
}

export type Admitted = RequestContext & Additions;

/**
 * An enrolment on its way to whoever can tell whether its code is one. Until then it holds one of the few places
 * that its address has for guesses.
 */
export interface Guess {
  /**
   * Says what came of it: a guess that was none gives its place back, a miss keeps it.
   * @param status of studio's answer
   * @returns what the answer is counted under, or the refusal to be sent instead of it
   * @throws what LIMITS throws where the count is still to be made: the caller refuses
   */
  settle(status: number): Promise<readonly Counted[] | Denial>;
}

export interface Denial {
  readonly kind: "deny";
  readonly code: ProblemCode;
  readonly headers?: Readonly<Record<string, string>>;
  readonly detail?: string;
}
export type GateResult<Added> = { readonly kind: "allow"; readonly adds: Added } | Denial;

export interface Gate<Needs extends keyof Additions, Adds extends keyof Additions> {
  readonly name: string;
  /** `known_route`: what is addressed must exist, else its miss is the answer. */
  readonly appliesTo: "every_request" | "known_route";
  /** What earlier gates must have added. */
  readonly needs: readonly Needs[];
  readonly adds: readonly Adds[];
  /** No answer by then is a refusal. */
  readonly deadlineMs: number;
  judge(
    context: RequestContext & Pick<Additions, Needs>,
  ): GateResult<Pick<Additions, Adds>> | Promise<GateResult<Pick<Additions, Adds>>>;
}

/** Any gate, given everything: it reads no more than it `needs`. */
export interface AnyGate {
  readonly name: string;
  readonly appliesTo: "every_request" | "known_route";
  readonly needs: readonly (keyof Additions)[];
  readonly adds: readonly (keyof Additions)[];
  readonly deadlineMs: number;
  judge(context: Admitted): GateResult<Partial<Additions>> | Promise<GateResult<Partial<Additions>>>;
}

/** Resolves to the list itself when every gate's needs are added before it, else to `never`. */
type InOrder<G extends readonly AnyGate[], Have extends keyof Additions = never> = G extends readonly [
  infer First extends AnyGate,
  ...infer Rest extends readonly AnyGate[],
]
  ? [First["needs"][number]] extends [Have]
    ? [Extract<First["adds"][number], Have>] extends [never]
      ? InOrder<Rest, Have | First["adds"][number]>
      : never
    : never
  : readonly AnyGate[];

/** Takes a list whose order holds; a gate before the one it needs does not type-check. */
export function inOrder<const G extends readonly AnyGate[]>(
  gates: G & (InOrder<G> extends never ? never : G),
): readonly AnyGate[] {
  return gates;
}

/** Gates that only compute, or ask this machine. */
export const localDeadlineMs = 1_000;
/** Gates that ask another Worker: a cold one starts in well under this. */
export const remoteDeadlineMs = 5_000;
