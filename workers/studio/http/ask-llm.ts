import { operatorMicrosOf } from "../../../core/llm/operator-budget.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { type ProblemCode, problems } from "../../../core/problem.ts";
import type { Asking, LlmResult, LlmRpc } from "../../../core/rpc/llm.ts";
import { limitsOf } from "../../../core/tenancy/plan.ts";
import { namesAndPlan } from "../../../store/control/member-names.ts";
import { readPlan } from "../../../store/control/org-plan.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { fromPart, refusalOf } from "../downstream.ts";
import { quotaExceeded } from "../lifecycle/quota.ts";
import type { MemberContext } from "../pipeline/request-context.ts";
import { type Refusal, refuse } from "./result.ts";

/** Asks the llm capability on the member's behalf. @throws Unavailable */
export function askLlm<T>(context: MemberContext, ask: (llm: LlmRpc, call: SignedCall) => Promise<T>): Promise<T> {
  return fromPart("llm", async () => ask(context.services.llm, await context.asUser("capabilities.llm")));
}

/** What the organisation's plan allows in a month of the models that the operator pays for. */
export async function operatorMicros({ services, scope }: MemberContext): Promise<number> {
  const plan = await readPlan(services.database, scope);
  return plan === null ? 0 : operatorMicrosOf(plan);
}

/** By the scope of one request, which nothing outlives. */
const ahead = new WeakMap<OrgScope, ReturnType<typeof namesAndPlan>>();

/** Begins to read what goes with every question. {@link askModel} of the same request waits for it. */
export function readForAsking({ services, scope }: MemberContext): void {
  const reading = namesAndPlan(services.database, scope);
  // Whoever waits is told; where nobody does, the request has ended for another reason.
  reading.catch(() => undefined);
  ahead.set(scope, reading);
}

/** Asks a question of a model or about a model's vectors: with the names that are masked, within what the plan allows. @throws Unavailable */
export async function askModel<T>(
  context: MemberContext,
  ask: (llm: LlmRpc, call: SignedCall, asking: Asking) => Promise<LlmResult<T>>,
): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal }> {
  const { services, scope } = context;
  const found = await (ahead.get(scope) ?? namesAndPlan(services.database, scope));
  if (found === null) return { ok: false, refusal: refuse("not_found") };
  const asking = {
    names: found.names,
    monthMicrosMax: limitsOf(found.plan, services.limitScale).llm_micros_a_month,
    operatorMicrosMax: operatorMicrosOf(found.plan),
  };
  const answered = await askLlm(context, (llm, call) => ask(llm, call, asking));
  return answered.ok ? answered : { ok: false, refusal: llmRefusal(answered, asking) };
}

/** Maps the capability's refusal to the problem that the client sees. @param asking of a question */
export function llmRefusal({ code }: Extract<LlmResult<unknown>, { ok: false }>, asking?: Asking): Refusal {
  switch (code) {
    case "model_unknown":
      return refuse("invalid_request", {
        errors: [{ path: "model", message: "is none that is offered to your role" }],
      });
    case "request_refused":
      return refuse("invalid_request", { detail: "The provider takes the request for wrong." });
    case "plan_spent":
      return quotaExceeded("llm_micros_a_month", asking?.monthMicrosMax ?? 0);
    case "operator_spent":
      return quotaExceeded("llm_micros_a_month", asking?.operatorMicrosMax ?? 0);
    case "not_offered":
      return refuse("invalid_request", {
        errors: [
          { path: "models", message: "must be of those that whoever runs Sentinel offers (docs/llm.md#workers-ai)" },
        ],
      });
    case "budget_spent":
      return refuse("llm_budget_spent");
    case "key_due":
      return refuse("llm_key_due");
    case "providers_failed":
      return refuse("llm_unavailable");
    case "not_found":
    case "forbidden":
    case "conflict":
    case "invalid_request":
    case "key_unavailable":
      return refusalOf({ ok: false, code });
  }
}

/** Kinds of errors as OpenAI's clients tell them apart. */
function kindOf(code: ProblemCode): string {
  if (code === "llm_budget_spent" || code === "quota_exceeded") return "insufficient_quota";
  return code === "invalid_request"
    ? "invalid_request_error"
    : code === "llm_unavailable"
      ? "server_error"
      : "api_error";
}

/** The same problem with the member that OpenAI's client libraries read. */
export function withOpenaiError(refusal: Refusal): Refusal {
  const message = refusal.detail ?? refusal.errors?.[0]?.message ?? problems[refusal.code][1];
  const error = { message, type: kindOf(refusal.code), param: refusal.errors?.[0]?.path ?? null, code: refusal.code };
  return { ...refusal, extensions: { ...refusal.extensions, error } };
}
