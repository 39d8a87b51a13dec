import { fragmentKeptMax } from "../../../../core/tenancy/waf-record.ts";
import type { WafInput } from "./collect.ts";

/** Names of fields whose values are somebody's secret, whoever sends them. */
const secretField =
  /(?:pass(?:word|wd|phrase)?|pwd|secret|token|otp|pin|code|key|auth|cookie|session|sid|signature|credential|bearer|jwt|card|cvv|iban)/i;
/** What looks like a secret wherever it stands: a long run without a word in it, or what follows a telling name. */
const secretText =
  /[A-Za-z0-9_+/=~-]{20,}|(?<=(?:pass(?:word|wd)?|pwd|secret|token|key|auth|bearer|basic)\s?["']?[=: ]\s?["']?)[^\s"'&;,]{4,}/gi;
const address = /[^\s@"'<>()]{1,64}@[^\s@"'<>()]{1,255}/g;

/**
 * What is kept of a text in which a sign was found: its beginning, without what may be a secret or somebody's address. Null for fields that hold secrets: cookies, and
 * whatever is called like one.
 */
export function fragmentOf({ field, text }: WafInput): string | null {
  if (secretField.test(field)) return null;
  const shown = text
    .slice(0, 4 * fragmentKeptMax)
    .replace(/[\p{Cc}\p{Cs}\p{Cf}]/gu, "\u00b7")
    .replace(address, "\u2026@\u2026")
    .replace(secretText, "\u2026");
  return shown.slice(0, fragmentKeptMax).replace(/\p{Cs}$/u, "");
}
