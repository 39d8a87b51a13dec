import type { MailMessage } from "./mailer.ts";

/** A break-glass code was used: every owner hears of it, because it opens what the policy closes. */
export function glassBrokenMail(
  to: string,
  publicUrl: URL,
  about: { readonly slug: string; readonly country: string; readonly ip: string; readonly at: Date },
): MailMessage {
  return {
    to,
    subject: `The break-glass code of ${about.slug} was used`,
    text: [
      `Somebody used the break-glass code of your organisation ${about.slug}. Its dashboard takes requests from ${about.country} for 24 hours; everybody must still sign in.`,
      `When: ${about.at.toISOString()}\nFrom: ${about.ip} (${about.country})`,
      `If you know who it was, correct the geo policy at ${publicUrl.origin}/o/${about.slug}/security and make a new code: this one works no more. If not, look at the audit log there at once.`,
    ].join("\n\n"),
  };
}
