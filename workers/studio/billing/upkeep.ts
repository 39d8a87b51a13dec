import type { RequestId } from "../../../core/ids.ts";
import { logFailure } from "../log.ts";
import type { Services } from "../services.ts";
import { runDunning } from "./dunning.ts";
import { issueDue, tellInvoices } from "./invoice-run.ts";

/** In this order: an invoice is told in the run that issued it. */
const parts: readonly { readonly name: string; run(services: Services, requestId: RequestId): Promise<void> }[] = [
  { name: "issueDue", run: issueDue },
  { name: "tellInvoices", run: tellInvoices },
  { name: "runDunning", run: runDunning },
];

/** What the clock asks for of billing, every hour. Each part runs whatever became of the one before; what fails is still due then. */
export async function runBillingUpkeep(services: Services): Promise<void> {
  for (const { name, run } of parts) {
    const requestId = services.makeId("request");
    try {
      await run(services, requestId);
    } catch (error) {
      logFailure({ request_id: requestId, route: "billing", step: name }, error);
    }
  }
}
