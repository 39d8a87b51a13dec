import { dunningStep, mayGoUnmailed } from "../../../core/billing/standing.ts";
import type { RequestId } from "../../../core/ids.ts";
import { type Debtor, debtors, markDebtTold } from "../../../store/control/billing/dunning.ts";
import { allTried } from "../all-tried.ts";
import { appendOrgChange } from "../lifecycle/record-change.ts";
import { logFailure } from "../log.ts";
import { reminderMail } from "../mail/billing.ts";
import type { Services } from "../services.ts";
import { mailOwners } from "./mail-owners.ts";

/**
 * Tells whoever owes something, on the days that core/billing/standing.ts names, and puts each change of their standing
 * on record. An organisation is restricted from the moment on which that was told, and not before. @throws the first
 * failure, after all were tried
 */
export async function runDunning(services: Services, requestId: RequestId): Promise<void> {
  const nowMs = services.now();
  await allTried((await debtors(services.database, nowMs)).map((debtor) => tell(services, debtor, nowMs, requestId)));
}

async function tell(services: Services, debtor: Debtor, nowMs: number, requestId: RequestId): Promise<void> {
  const { scope, slug, owners, owedSinceMs } = debtor;
  const { told, effects } = dunningStep(debtor.told, owedSinceMs, nowMs);
  // The mails first, then the log, then the note: a crash in between leaves it said twice, never unsaid, and while no mail
  // leaves the log is not filled with the same line every hour.
  for (const effect of effects) {
    if (effect.kind !== "remind") continue;
    try {
      await mailOwners(owners, (to) => services.sendMail(reminderMail(to, services.publicUrl, { slug, ...effect })));
    } catch (error) {
      if (!mayGoUnmailed(owedSinceMs, nowMs)) throw error;
      logFailure({ request_id: requestId, route: "billing", step: "remind" }, error);
    }
  }
  for (const effect of effects) {
    if (effect.kind !== "standing_changed") continue;
    const change = { org: scope.org, by: null, action: "payment_standing_changed", detail: effect.to } as const;
    await appendOrgChange(services, change, scope.org, requestId);
  }
  if (effects.length > 0) await markDebtTold(services.database, scope, told);
}
