import { mayConfined } from "../../auth/outside/confined.ts";
import { refuse } from "../../http/result.ts";
import { decide } from "../../rbac/decide.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/** Asks the permission table. Everything that is not plainly allowed is refused. */
export async function authorize(exchange: Exchange): Promise<Verdict> {
  const { policy } = exchange.definition.spec;
  const forbidden: Verdict = { kind: "refuse", refusal: refuse("forbidden") };
  switch (policy.kind) {
    case "public":
      return proceed;
    case "signed_in":
      if (exchange.person === null) return forbidden;
      // A program is no person: it looks at itself, and neither joins nor ends nor changes anything of its own.
      if (exchange.person.kind === "api_key") return exchange.definition.name === "me" ? proceed : forbidden;
      return exchange.person.confinedTo === null || mayConfined(exchange.definition.name) ? proceed : forbidden;
    case "permission": {
      const role = exchange.membership?.role;
      return role !== undefined && decide(role, policy.permission) === "allow" ? proceed : forbidden;
    }
    case "operator":
      return exchange.operator ? proceed : forbidden;
    default:
      return forbidden;
  }
}
