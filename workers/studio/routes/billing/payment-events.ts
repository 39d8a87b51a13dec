import { z } from "@hono/zod-openapi";
import type { AuditFields } from "../../../../core/audit/events.ts";
import type { PaymentEvent, ProviderState } from "../../../../core/billing/provider.ts";
import { readBounded } from "../../../../core/read-bounded.ts";
import { routes } from "../../../../core/routes.ts";
import {
  type AppliedState,
  applyPaymentEvent,
  hearsProvider,
} from "../../../../store/control/billing/payment-events.ts";
import { paymentMoment } from "../../../../store/control/billing/payment-moment.ts";
import { payingScope } from "../../../../store/control/scope-makers.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { tellStanding } from "../../lifecycle/tell-standing.ts";
import { logFailure } from "../../log.ts";
import { audited } from "../../pipeline/audit.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";

/** Stripe tries again for three days, later each time; a shorter wait than its own changes nothing. */
const retryAfterSeconds = 60;

/**
 * Takes an event. Its bytes go untouched to the capability, which has the secret: it verifies them and asks the provider
 * how the customer stands now. What was not signed is refused before anything is written.
 */
export const takePaymentEvent = defineRoute(
  "takePaymentEvent",
  {
    caller: "anyone",
    status: 200,
    answer: z.object({ received: z.boolean() }),
    unaudited:
      "until its signature is verified nobody is known; what a genuine event changes is in the organisation's log, intent first",
  },
  async (context) => {
    const { services, requestId } = context;
    const { database } = services;
    const body = await readBounded(context.bytes, routes.takePaymentEvent.bodyBytesMax);
    if (body === null) return refuse("too_large");
    const askedAtMs = await paymentMoment(database);
    const read = await fromPart("billing", async () => {
      const call = await services.caller.asJob("capabilities.billing", "take_payments", null, requestId);
      return services.billing.read(call, { body, signature: context.signature, askedAtMs });
    });
    if (!read.ok) return refuse("unavailable", { headers: { "Retry-After": String(retryAfterSeconds) } });
    // One answer for each reason: none of them is for whoever forges.
    if (!read.value.ok) return refuse("malformed_request", { detail: "It is not signed, or not for here" });
    const { event } = read.value;
    const isOurs = event.state !== null && (await applyOnRecord(context, event, event.state));
    if (!isOurs) {
      await applyPaymentEvent(database, context.write(), event, null);
      // Somebody is charged for what is not here (any more): for whoever runs the platform to end and refund.
      if (event.state?.subscription != null)
        logFailure(
          { request_id: requestId, route: "takePaymentEvent", step: "apply" },
          new Error(`${event.state.subscription} is paid for ${event.state.org}, which is not here`),
        );
    }
    return answer({ received: true });
  },
);

/**
 * Applies an event, with its intent in the organisation's log before and its outcome behind.
 * @returns false when there is no such organisation (any more), or it is being erased
 */
async function applyOnRecord(context: RequestContext, event: PaymentEvent, state: ProviderState): Promise<boolean> {
  const { services, requestId } = context;
  const { database, audit } = services;
  const scope = payingScope(state);
  const { org } = scope;
  // What is erased is not begun anew: no log, and nothing at the edge.
  if (!(await hearsProvider(database, scope))) return false;
  const call = () => services.caller.asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
  const intent = await audited(async () => audit.intent(await call(), org, requestEvent(context, null)));
  const applied = await applyPaymentEvent(database, context.write(), event, { scope, state });
  await audited(async () => audit.outcome(await call(), intent, requestEvent(context, 200), changesOf(applied, org)));
  // Told again where nothing has changed: who was killed in between did not get this far.
  await tellStanding(services, scope, requestId);
  return true;
}

function changesOf(applied: AppliedState, org: ProviderState["org"]): AuditFields[] {
  if (applied.kind === "noted" || !applied.planChanged) return [];
  return [{ type: "org_change", user_id: null, org_id: org, action: "plan_changed", detail: applied.plan }];
}

function requestEvent({ services, startedAtMs }: RequestContext, status: number | null): AuditFields {
  const { path, method } = routes.takePaymentEvent;
  const duration_ms = status === null ? null : Math.max(0, Math.round(services.now() - startedAtMs));
  return { type: "api_call", user_id: null, endpoint: path, method, status_code: status, duration_ms };
}
