import type { Role } from "../../../core/tenancy/roles.ts";
import type { MailMessage } from "./mailer.ts";

// Names come from strangers, so none stands in a subject, and each is quoted on a line of its own.

export function verificationMail(to: string, publicUrl: URL, token: string): MailMessage {
  return {
    to,
    subject: "Verify your e-mail address for Sentinel",
    text: [
      "Somebody registered at Sentinel with this address. If it was you, open this link within 24 hours:",
      link(publicUrl, "verify-email", token),
      "If it was not you, do nothing: without the link there is no account.",
    ].join("\n\n"),
  };
}

export function accountExistsMail(to: string, publicUrl: URL): MailMessage {
  return {
    to,
    subject: "You already have a Sentinel account",
    text: [
      "Somebody tried to register at Sentinel with this address, which already has an account.",
      `If it was you, sign in here: ${new URL("/sign-in", publicUrl).href}`,
      "If it was not you, do nothing: nothing has changed.",
    ].join("\n\n"),
  };
}

export function invitationMail(
  to: string,
  invitation: { readonly publicUrl: URL; readonly token: string; readonly organisation: string; readonly role: Role },
): MailMessage {
  return {
    to,
    subject: "An invitation to an organisation on Sentinel",
    text: [
      `You are invited to this organisation, as ${invitation.role}:`,
      `"${oneLine(invitation.organisation)}"`,
      "Open this link within 7 days, signed in with this e-mail address:",
      link(invitation.publicUrl, "invitation", invitation.token),
    ].join("\n\n"),
  };
}

/** The token goes into the fragment, which no server and no Referer header sees. */
function link(publicUrl: URL, page: string, token: string): string {
  return `${new URL(`/${page}`, publicUrl).href}#token=${token}`;
}

/** Line breaks, controls and direction overrides out: a name can't write a second paragraph or a link line. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
}
