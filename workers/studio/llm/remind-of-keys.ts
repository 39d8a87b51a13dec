import { keyReminder } from "../../../core/llm/key-state.ts";
import { keyTimes } from "../../../core/llm/provider.ts";
import type { LlmKeyAge } from "../../../core/rpc/billing.ts";
import { claimReminder, markReminderMailed } from "../../../store/control/llm-key-reminders.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { allTried } from "../all-tried.ts";
import { llmKeyMail } from "../mail/llm-key.ts";
import type { Services } from "../services.ts";

/**
 * Tells owners and admins of keys that are due within a week, within a day, or are not used any more. Each once: it is taken on
 * before its mails leave and noted behind the last of them, so one that was killed in between is sent again an hour later,
 * and no other is.
 * @throws the first failure, after all were tried; what was not sent is due still
 */
export async function remindOfKeys(services: Services, scope: OrgScope, keys: readonly LlmKeyAge[]): Promise<void> {
  await allTried(keys.map((key) => remindOf(services, scope, key)));
}

async function remindOf(
  services: Services,
  scope: OrgScope,
  { provider, name, since, graceDays }: LlmKeyAge,
): Promise<void> {
  const { database, publicUrl } = services;
  const nowMs = services.now();
  const times = keyTimes(Date.parse(since), graceDays);
  const stage = keyReminder(times, nowMs);
  if (stage === null) return;
  const reminder = { provider, since, stage };
  const claimed = await claimReminder(database, scope, reminder, nowMs);
  if (claimed === null) return;
  for (const to of claimed.recipients)
    await services.sendMail(llmKeyMail(to, publicUrl, { slug: claimed.slug, name, stage, ...times }));
  await markReminderMailed(database, scope, reminder, services.now());
}
