import type { MailMessage } from "./mailer.ts";
import { oneLine } from "./messages.ts";

/** A reminder to an organisation's administrators. No name stands in the subject: names come from strangers. */
export function secretExpiryMail(
  to: string,
  publicUrl: URL,
  due: { readonly provider: string; readonly organisation: string; readonly expiresAt: string; readonly days: number },
): MailMessage {
  const when = due.days === 1 ? "within a day" : `within ${due.days} days`;
  return {
    to,
    subject: `A client secret of an identity provider expires ${when}`,
    text: [
      `The client secret of this identity provider expires at ${due.expiresAt}:`,
      `"${oneLine(due.provider)}" of "${oneLine(due.organisation)}"`,
      "From then on nobody signs in with it. Make a new secret in the provider's console and add it here; both are good for a while:",
      publicUrl.href,
    ].join("\n\n"),
  };
}
