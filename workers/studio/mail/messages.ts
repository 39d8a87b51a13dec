import type { Role } from "../../../core/tenancy/roles.ts";
import type { MailMessage } from "./mailer.ts";

// Names come from strangers, so none stands in a subject, and each is quoted on a line of its own.

export function verificationMail(to: string, publicUrl: URL, token: string): MailMessage {
  return {
    to,
    subject: "Verify your e-mail address for Sentinel",
    text: [
      "Somebody registered at Sentinel with this address. If it was you, open this link within 24 hours; it asks for the password you want to sign in with:",
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

export function passwordResetMail(to: string, publicUrl: URL, token: string): MailMessage {
  return {
    to,
    subject: "Set a new password for Sentinel",
    text: [
      "Somebody asked for a new password for the account with this address. If it was you, open this link within 30 minutes:",
      link(publicUrl, "reset-password", token),
      "If it was not you, do nothing: your password stays as it is.",
    ].join("\n\n"),
  };
}

/** To the address that somebody's account has now. The new one is not named: a link to it would be an advertisement. */
export function leaveAddressMail(to: string, publicUrl: URL, token: string): MailMessage {
  return {
    to,
    subject: "Confirm that your Sentinel account leaves this address",
    text: [
      "Somebody who is signed in to your account asked to move it to another address. If it was you, open this link within 24 hours:",
      link(publicUrl, "confirm-email", token),
      `If it was not you, do not open it: without it nothing changes. Somebody else is in your account, though: set a new password at ${new URL("/forgot-password", publicUrl).href}, which stops this change and ends every session.`,
    ].join("\n\n"),
  };
}

/** To the address that the account is to have. */
export function takeAddressMail(to: string, publicUrl: URL, token: string): MailMessage {
  return {
    to,
    subject: "Confirm this e-mail address for Sentinel",
    text: [
      "Somebody asked to use this address for their Sentinel account. If it was you, open this link within 24 hours:",
      link(publicUrl, "confirm-email", token),
      "If it was not you, do nothing: without the link nothing changes.",
    ].join("\n\n"),
  };
}

/** … when that one has an account already. */
export function addressTakenMail(to: string, publicUrl: URL): MailMessage {
  return {
    to,
    subject: "This address already has a Sentinel account",
    text: [
      "Somebody tried to use this address for another Sentinel account. It already has one, so it can't be used for a second.",
      `If it was you, sign in to it here: ${new URL("/sign-in", publicUrl).href}`,
      "If it was not you, do nothing: nothing has changed.",
    ].join("\n\n"),
  };
}

/** To the address that an account has left. */
export function emailChangedMail(to: string, publicUrl: URL): MailMessage {
  return {
    to,
    subject: "Your Sentinel account has left this address",
    text: [
      "Both addresses agreed, so the account signs in with its new address from now on, and mail about it goes there.",
      `If you opened no link for it, somebody else reads your mail: tell your organisation's administrator. Sentinel is at ${publicUrl.origin}.`,
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
