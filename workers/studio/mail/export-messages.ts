import { approvalWaitMs } from "../../../core/exports/approval.ts";
import type { MailMessage } from "./mailer.ts";

const dayMs = 24 * 3600_000;

/** To administrators: somebody's export waits for one of them. Who asked, and for what, stands behind the sign-in. */
export function approvalMail(
  to: string,
  publicUrl: URL,
  about: { readonly slug: string; readonly rows: number },
): MailMessage {
  return {
    to,
    subject: `An export of ${about.slug} waits for a second administrator`,
    text: [
      `Somebody asked for an export of ${about.rows} rows from your organisation ${about.slug}. That is more than leaves on one person's word.`,
      `See who, what and where to, and agree or refuse: ${publicUrl.origin}/o/${about.slug}/exports`,
      `It begins when another owner or admin agrees. If nobody does within ${approvalWaitMs / dayMs} days it ends by itself.`,
    ].join("\n\n"),
  };
}
