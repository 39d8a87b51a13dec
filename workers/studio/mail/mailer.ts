import { Unavailable } from "../unavailable.ts";

export interface MailMessage {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}
export type SendMail = (message: MailMessage) => Promise<void>;

/** A provider that takes longer is treated as down; the sender sees it and tries again. In milliseconds. */
const mailMsMax = 10_000;

/** Sends through an HTTP endpoint that takes Resend's JSON shape. @throws Unavailable */
export function createMailer(
  config: { readonly endpoint: string; readonly token: string; readonly from: string },
  fetchMail: typeof fetch,
): SendMail {
  return async ({ to, subject, text }) => {
    let response: Response;
    try {
      response = await fetchMail(config.endpoint, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${config.token}` },
        body: JSON.stringify({ from: config.from, to, subject, text }),
        signal: AbortSignal.timeout(mailMsMax),
      });
      await response.body?.cancel();
    } catch {
      throw new Unavailable("mail");
    }
    if (!response.ok) throw new Unavailable("mail");
  };
}
