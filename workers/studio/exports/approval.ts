import { approvalRecipients } from "../../../store/control/export-mails.ts";
import type { ExportRow } from "../../../store/control/exports.ts";
import { afterAnswer } from "../after-answer.ts";
import { approvalMail } from "../mail/export-messages.ts";
import type { MemberContext } from "../pipeline/request-context.ts";

/** Mails the other administrators, after the answer: whoever asked need not wait, and the page says it as well. */
export function askForApproval(context: MemberContext, row: ExportRow): void {
  const { services, scope, person } = context;
  const tell = async (): Promise<void> => {
    const { slug, recipients } = await approvalRecipients(services.database, scope, person.user);
    for (const to of recipients)
      await services.sendMail(approvalMail(to, services.publicUrl, { slug, rows: row.rowsExpected }));
  };
  afterAnswer(context, "ask_for_approval", tell());
}
