import type { RequestId } from "../../../core/ids.ts";
import { keepMeasure, meteredNow } from "../../../store/control/billing/usage-days.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { fromPart } from "../downstream.ts";
import { remindOfKeys } from "../llm/remind-of-keys.ts";
import { logFailure } from "../log.ts";
import type { Services } from "../services.ts";

/**
 * What the clock meters, every minute for some organisations and every hour for each: what its database holds, what its
 * hub took today, who is in it; and how old its keys of language models are, of which people are reminded. The day keeps the most of it. One that can't be measured keeps no other waiting, and is
 * measured in the next hour.
 */
export async function runMetering(services: Services): Promise<void> {
  for (const scope of await meteredNow(services.database, services.now())) {
    const requestId = services.makeId("request");
    try {
      await meter(services, scope, requestId);
    } catch (error) {
      logFailure({ request_id: requestId, route: "billing", step: "meter" }, error);
    }
  }
}

/** One organisation's. @throws Unavailable without its own database; without its hub, messages of this hour are left out */
export async function meter(services: Services, scope: OrgScope, requestId: RequestId): Promise<void> {
  const { org } = scope;
  const nowMs = services.now();
  const [measured, messages] = await Promise.all([
    fromPart("billing", async () =>
      services.billing.measure(await services.caller.asJob("capabilities.billing", "tend_billing", org, requestId)),
    ),
    messagesOf(services, scope, requestId),
  ]);
  if (!measured.ok) throw new Error(`not measured: ${measured.code}`);
  await keepMeasure(services.database, scope, { ...measured.value, messages }, nowMs);
  // Read in the same visit to the organisation's database, which is due every hour.
  await remindOfKeys(services, scope, measured.value.llmKeys);
}

async function messagesOf(services: Services, { org }: OrgScope, requestId: RequestId): Promise<number | null> {
  try {
    const call = await services.caller.asJob("durable-objects.hub-control", "tend_billing", org, requestId);
    return (await services.hub.messagesToday(call, org)).used;
  } catch (error) {
    logFailure({ request_id: requestId, route: "billing", step: "messages" }, error);
    return null;
  }
}
