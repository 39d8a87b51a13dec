/**
 * How an organisation stands with what it owes: `active → past_due → grace → restricted`, and back to active at once
 * when nothing is owed. Where it stands follows from one fact, since when something has been overdue, and from the
 * clock: events that come twice, late or in another order end in the same place, because no event moves it by itself.
 *
 * Restricted means that nothing is added (devices, members, uploads). Nothing is deleted, and devices go on working.
 */
export const billingStandings = ["active", "past_due", "grace", "restricted"] as const;
export type BillingStanding = (typeof billingStandings)[number];

/** Parses a standing; null for anything else. */
export function parseBillingStanding(text: unknown): BillingStanding | null {
  return billingStandings.find((standing) => standing === text) ?? null;
}

/** Days after the due date on which `grace` begins: a bank transfer that was forgotten is made within two weeks. */
export const graceAfterDays = 14;
/** … and `restricted`: a month after the due date, and a month and a half after the invoice. */
export const restrictedAfterDays = 30;
/** Days after the due date on which owners are mailed. The last is the day of the restriction. */
export const reminderDays = [0, 7, 14, 21, 28, 30] as const;

/**
 * Days after the restriction from which a debt counts as told though no mail could be sent: an owner who chooses an address
 * that takes none must not owe for ever, and whoever runs the platform has had two weeks to see that mail is away.
 */
export const untoldDaysMax = 14;

const dayMs = 86_400_000;

/** @param owedSinceMs when the oldest thing that is unpaid was due, Unix milliseconds; null: nothing is */
export function standingAt(owedSinceMs: number | null, nowMs: number): BillingStanding {
  if (owedSinceMs === null || nowMs < owedSinceMs) return "active";
  const days = Math.floor((nowMs - owedSinceMs) / dayMs);
  if (days >= restrictedAfterDays) return "restricted";
  return days >= graceAfterDays ? "grace" : "past_due";
}

/** True when a debt is so old that it is told by the page and the log alone. */
export const mayGoUnmailed = (owedSinceMs: number | null, nowMs: number): boolean =>
  owedSinceMs !== null && nowMs - owedSinceMs >= (restrictedAfterDays + untoldDaysMax) * dayMs;

/** What was told of a debt. Written by the clock alone. */
export interface Told {
  readonly standing: BillingStanding;
  /** The last of {@link reminderDays} that was mailed for the debt that began then. */
  readonly reminded: { readonly owedSinceMs: number; readonly day: number } | null;
}

export type DunningEffect =
  | { readonly kind: "standing_changed"; readonly from: BillingStanding; readonly to: BillingStanding }
  /** Mail the owners. After days away that is one mail, the latest, not one for each day that was missed. */
  | { readonly kind: "remind"; readonly day: number; readonly standing: BillingStanding };

/** What is to be told now, and what will have been told then. The same question asked again has no effects. */
export function dunningStep(
  told: Told,
  owedSinceMs: number | null,
  nowMs: number,
): { readonly told: Told; readonly effects: readonly DunningEffect[] } {
  const standing = standingAt(owedSinceMs, nowMs);
  const effects: DunningEffect[] = [];
  if (standing !== told.standing) effects.push({ kind: "standing_changed", from: told.standing, to: standing });
  if (owedSinceMs === null || standing === "active") return { told: { standing, reminded: null }, effects };
  const days = Math.floor((nowMs - owedSinceMs) / dayMs);
  const due = reminderDays.findLast((day) => day <= days) ?? 0;
  const before = told.reminded?.owedSinceMs === owedSinceMs ? told.reminded.day : -1;
  if (due <= before) return { told: { standing, reminded: told.reminded }, effects };
  effects.push({ kind: "remind", day: due, standing });
  return { told: { standing, reminded: { owedSinceMs, day: due } }, effects };
}
