import type { FactorChange } from "../../../core/audit/events.ts";
import type { MailMessage } from "./mailer.ts";

const factorNames: Readonly<Record<FactorChange["factor"], string>> = {
  password: "password",
  totp: "authenticator app",
  passkey: "passkey",
  recovery_codes: "recovery codes",
  email: "e-mail address",
  external_identity: "sign-in with another provider",
};
const actionNames: Readonly<Record<FactorChange["action"], string>> = {
  added: "was added",
  changed: "changed",
  removed: "was removed",
  used: "was used",
  reset: "was reset",
};

/** What changed in how an account is protected. It has no link but the site: whoever reads it knows the way. */
export function factorChangedMail(to: string, publicUrl: URL, change: FactorChange, at: Date): MailMessage {
  const what =
    change.factor === "recovery_codes" && change.action === "used"
      ? "One of your recovery codes was used. It works no more."
      : `How you sign in to Sentinel has changed: ${factorNames[change.factor]} ${actionNames[change.action]}.`;
  return {
    to,
    subject: "Your Sentinel account's security has changed",
    text: [
      what,
      `When: ${at.toISOString()}`,
      `If it was you, there is nothing to do. If not, sign in at ${publicUrl.origin}, end your other sessions under "Security", and tell your organisation's administrator.`,
    ].join("\n\n"),
  };
}

/** A passkey signed with a counter that was used before. */
export function passkeyCopiedMail(to: string, publicUrl: URL, at: Date): MailMessage {
  return {
    to,
    subject: "A passkey of your Sentinel account was refused",
    text: [
      "Somebody used a passkey of yours in a way that only a copy of it would be used. We refused it.",
      `When: ${at.toISOString()}`,
      `Sign in at ${publicUrl.origin} another way, remove that passkey under "Security" and register a new one.`,
    ].join("\n\n"),
  };
}
