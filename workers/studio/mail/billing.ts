import { indiaDay } from "../../../core/billing/invoice.ts";
import { type Currency, formatMoney } from "../../../core/billing/money.ts";
import { type BillingStanding, restrictedAfterDays } from "../../../core/billing/standing.ts";
import type { MailMessage } from "./mailer.ts";

/** Where an organisation's owners see what is owed. */
const pageOf = (publicUrl: URL, slug: string): string => new URL(`/o/${slug}/billing`, publicUrl).href;

/** An invoice is there. It is shown signed in, and travels in no mail. */
export function invoiceMail(
  to: string,
  publicUrl: URL,
  invoice: {
    readonly slug: string;
    readonly number: string;
    readonly currency: Currency;
    readonly totalMinor: number;
    readonly dueAt: string;
  },
): MailMessage {
  return {
    to,
    subject: `Invoice ${invoice.number} from Sentinel`,
    text: [
      `Invoice ${invoice.number} over ${formatMoney(invoice.totalMinor, invoice.currency)} was issued for your organisation.`,
      `It is due on ${indiaDay(Date.parse(invoice.dueAt))}. Signed in as an owner you find it, and where to pay to, at:`,
      pageOf(publicUrl, invoice.slug),
    ].join("\n\n"),
  };
}

/** Something is overdue. What follows stands in it before it happens. */
export function reminderMail(
  to: string,
  publicUrl: URL,
  debt: { readonly slug: string; readonly day: number; readonly standing: BillingStanding },
): MailMessage {
  const left = restrictedAfterDays - debt.day;
  const days = `${left} ${left === 1 ? "day" : "days"}`;
  return {
    to,
    subject: "A payment for Sentinel is overdue",
    text: [
      debt.day === 0
        ? "A payment of your organisation's was due today, and has not arrived."
        : `A payment of your organisation's has been overdue for ${debt.day} days.`,
      debt.standing === "restricted"
        ? "Until it arrives, no device, member or document can be added. Nothing was deleted, and devices go on working."
        : `If it does not arrive within ${days}, no device, member or document can be added until it does. Nothing is deleted, and devices go on working.`,
      pageOf(publicUrl, debt.slug),
    ].join("\n\n"),
  };
}
