import { Unavailable } from "../unavailable.ts";

export interface MailMessage {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}
/** Hands a message over for delivery. @throws Unavailable when nobody took it */
export type SendMail = (message: MailMessage) => Promise<void>;

/** Of Cloudflare's `send_email` binding what this needs. */
export interface EmailBinding {
  send(
    message: MailMessage & { readonly from: string | { readonly name: string; readonly email: string } },
  ): Promise<unknown>;
}

/** How mail leaves. `from` is `Name <address>` or an address. */
export type MailConfig =
  | { readonly kind: "binding"; readonly binding: EmailBinding; readonly from: string }
  /** An HTTP endpoint that takes Resend's JSON shape. */
  | { readonly kind: "endpoint"; readonly endpoint: string; readonly token: string; readonly from: string };

/** A provider that takes longer is treated as down; the sender sees it and tries again. In milliseconds. */
const mailMsMax = 10_000;

/** One way to send, whichever is configured. */
export function createMailer(config: MailConfig, fetchMail: typeof fetch): SendMail {
  return async (message) => {
    try {
      if (config.kind === "binding") await withinTime(config.binding.send({ ...message, from: senderOf(config.from) }));
      else await post(config, message, fetchMail);
    } catch {
      // What the provider says may quote the address; it goes no further.
      throw new Unavailable("mail");
    }
  };
}

async function post(
  { endpoint, token, from }: Extract<MailConfig, { kind: "endpoint" }>,
  { to, subject, text }: MailMessage,
  fetchMail: typeof fetch,
): Promise<void> {
  const response = await fetchMail(endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ from, to, subject, text }),
    signal: AbortSignal.timeout(mailMsMax),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`mail answered ${response.status}`);
}

/** The binding takes a name and an address apart. */
function senderOf(from: string): string | { name: string; email: string } {
  const [, name = "", email = ""] = /^(.*\S)\s*<([^<>]+)>$/.exec(from) ?? [];
  return email === "" ? from : { name, email };
}

/** A binding takes no signal. */
async function withinTime(sending: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the binding did not answer in time")), mailMsMax);
  });
  try {
    await Promise.race([sending, late]);
  } finally {
    clearTimeout(timer);
  }
}
