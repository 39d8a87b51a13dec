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
