import type { AuditEntry } from "../../../core/audit/events.ts";
import type { AlertKind } from "../../../core/audit/vocabulary.ts";
import { alertsTellMax } from "../../../core/rpc/durable-objects.ts";
import type { MailMessage } from "./mailer.ts";

/** To administrators: the destination of the audit log takes nothing. Its address stays out: it may hold a token. */
export function streamFailsMail(
  to: string,
  publicUrl: URL,
  about: {
    readonly slug: string;
    readonly failure: string;
    readonly failingSince: string;
    readonly stopped: boolean;
    readonly deadCount: number;
  },
): MailMessage {
  const aside =
    about.deadCount === 0
      ? "Nothing is lost: the log keeps every entry, and sending goes on from where it stopped."
      : null;
  return {
    to,
    subject: `The audit log of ${about.slug} no longer reaches its destination`,
    text: [
      `Since ${about.failingSince} the system that your organisation ${about.slug} streams its audit log to has not taken it (${about.failure}).`,
      about.stopped
        ? "Nothing is sent any more until an owner or admin says so."
        : "We try again, at least every hour. A message that is not taken for three days is put aside.",
      aside ?? `Messages that were put aside: ${about.deadCount}. The log has their entries; they can be sent again.`,
      `See ${publicUrl.origin}/o/${about.slug}/audit. You get no second mail about this.`,
    ].join("\n\n"),
  };
}

const kinds: Readonly<Record<AlertKind, string>> = {
  many_failures: "many failed sign-ins",
  impossible_travel: "sign-ins of one person from two countries within an hour",
  mass_export: "many documents taken out within an hour",
  role_raised_then_used: "a role was raised and used for what only owners and admins do",
};

/** To administrators: what the log says should be looked at. Whom and which address it is about stands in the log alone. */
export function alertsMail(
  to: string,
  publicUrl: URL,
  about: { readonly slug: string; readonly alerts: readonly AuditEntry[] },
): MailMessage {
  const lines = about.alerts.flatMap(({ seq, at, event }) =>
    event.type === "alert" ? [`- ${at}: ${kinds[event.kind]} (entry ${seq})`] : [],
  );
  return {
    to,
    subject: `The audit log of ${about.slug} says that somebody should look`,
    text: [
      `In the audit log of your organisation ${about.slug} something stands out:`,
      lines.join("\n"),
      ...(about.alerts.length < alertsTellMax ? [] : ["There may be more; these are the newest."]),
      `Who it was, and from where, is in the log: ${publicUrl.origin}/o/${about.slug}/audit?type=alert`,
      "You get at most one such mail in a quarter of an hour. Owners and admins can switch it off there.",
    ].join("\n\n"),
  };
}
