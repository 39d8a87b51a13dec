import type { MailMessage } from "./mailer.ts";
import { oneLine } from "./messages.ts";

/** To each owner, whoever of them asked. No name stands in the subject: names come from strangers. */
export function deletionMail(
  to: string,
  publicUrl: URL,
  due: { readonly name: string; readonly deleteAfter: string },
): MailMessage {
  return {
    to,
    subject: "An organisation of yours on Sentinel is to be deleted",
    text: [
      "This organisation was shut, and is to be deleted with everything that it holds:",
      `"${oneLine(due.name)}"`,
      `Nothing is gone yet. Until ${due.deleteAfter} any of its owners can take that back, signed in at:`,
      publicUrl.href,
      "Afterwards nobody can, and neither can we. Its audit log is kept.",
    ].join("\n\n"),
  };
}
