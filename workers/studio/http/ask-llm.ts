import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { ProblemCode } from "../../../core/problem.ts";
import type { LlmResult, LlmRpc } from "../../../core/rpc/llm.ts";
import { fromPart, refusalOf } from "../downstream.ts";
import type { MemberContext } from "../pipeline/request-context.ts";
import { type Refusal, refuse } from "./result.ts";

/** Asks the llm capability on the member's behalf. @throws Unavailable */
export function askLlm<T>(context: MemberContext, ask: (llm: LlmRpc, call: SignedCall) => Promise<T>): Promise<T> {
  return fromPart("llm", async () => ask(context.services.llm, await context.asUser("capabilities.llm")));
}

/** Maps the capability's refusal to the problem that the client sees. */
export function llmRefusal({ code }: Extract<LlmResult<unknown>, { ok: false }>): Refusal {
  switch (code) {
    case "model_unknown":
      return refuse("invalid_request", {
        errors: [{ path: "model", message: "is none that is offered to your role" }],
      });
    case "request_refused":
      return refuse("invalid_request", { detail: "The provider takes the request for wrong." });
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
  if (code === "llm_budget_spent") return "insufficient_quota";
  return code === "invalid_request"
    ? "invalid_request_error"
    : code === "llm_unavailable"
      ? "server_error"
      : "api_error";
}

/** The same problem with the member that OpenAI's client libraries read. */
export function withOpenaiError(refusal: Refusal, message: string): Refusal {
  const error = { message, type: kindOf(refusal.code), param: refusal.errors?.[0]?.path ?? null, code: refusal.code };
  return { ...refusal, extensions: { ...refusal.extensions, error } };
}
