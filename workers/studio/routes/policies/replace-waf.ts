import type { z } from "@hono/zod-openapi";
import type { WafPolicy } from "../../../../core/tenancy/waf-policy.ts";
import { replaceWafPolicy } from "../../../../store/control/waf-policies.ts";
import { fieldErrors } from "../../http/field-errors.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { publishPolicy } from "../organisations/publish-policy.ts";
import { type wafAnswer, wafChange, wafPolicyOf, wafView } from "./waf-schemas.ts";

type Outcome = Promise<HandlerResult<z.input<typeof wafAnswer>>>;

/** Replaces the firewall's policy, if it still is what the decision was made on. */
export async function replaceWaf(context: MemberContext, given: Readonly<Record<string, unknown>>): Outcome {
  const parsed = wafChange.safeParse(given);
  if (!parsed.success) return refuse("invalid_request", { errors: fieldErrors(parsed.error) });
  const { version, ...wanted } = parsed.data;
  const policy = wafPolicyOf(wanted, context.services.now());
  if ("length" in policy) return refuse("invalid_request", { errors: policy });
  return await storeWaf(context, policy, { version, policy: "waf" });
}

/**
 * Stores and publishes; the edge sees it within a minute.
 * @param about what the audit log calls it, and the version that it was decided on
 */
export async function storeWaf(
  context: MemberContext,
  policy: WafPolicy,
  about: { readonly version: string; readonly policy: "waf" | "waf_allowance" },
): Outcome {
  const { services, scope, person } = context;
  const change = { user: person.user, version: about.version, policy };
  const stored = await replaceWafPolicy(services.database, context.write(), scope, change);
  if (stored === null)
    return refuse("conflict", { detail: "Somebody changed the policy meanwhile: look at it and try again." });
  context.caused([{ type: "policy_change", user_id: person.user, policy: about.policy }]);
  await publishPolicy(services, scope, stored);
  return answer(wafView(stored.policy.waf, stored.version));
}
