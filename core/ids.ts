/**
 * Prefixed, sortable identifiers: a TypeID is `prefix_` + a UUIDv7 in 26 characters of
 * lower-case Crockford base32 (TypeID spec 0.3, RFC 9562 section 5.7).
 * Clock and randomness are arguments, so this file stays pure.
 */

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Every kind of identifier and its prefix. */
export const idPrefixes = {
  org: "org",
  user: "usr",
  device: "dev",
  document: "doc",
  upload: "upl",
  share: "shr",
  llmProvider: "llm",
  session: "ses",
  group: "grp",
  command: "cmd",
  invitation: "inv",
  enrollmentCode: "enc",
  request: "req",
  sample: "tel",
  family: "fam",
  assertion: "ast",
  passkey: "pky",
  totpSecret: "otp",
  apiKey: "key",
  provider: "idp",
  providerSecret: "ips",
  geoException: "gex",
  backup: "bak",
  dataKey: "dky",
  witness: "wit",
  auditStream: "aus",
  invoice: "bil",
  export: "exp",
  exportDestination: "exd",
} as const;

export type IdKind = keyof typeof idPrefixes;

declare const idBrand: unique symbol;
/** A checked identifier of one kind; made only by {@link makeId} and {@link parseId}. */
export type Id<K extends IdKind> = string & { readonly [idBrand]: K };

export type OrgId = Id<"org">;
export type UserId = Id<"user">;
export type DeviceId = Id<"device">;
export type DocumentId = Id<"document">;
/** One upload, and the version that it becomes. */
export type UploadId = Id<"upload">;
export type ShareId = Id<"share">;
export type LlmProviderId = Id<"llmProvider">;
export type SessionId = Id<"session">;
export type GroupId = Id<"group">;
export type CommandId = Id<"command">;
export type InvitationId = Id<"invitation">;
export type EnrollmentCodeId = Id<"enrollmentCode">;
export type RequestId = Id<"request">;
export type PasskeyId = Id<"passkey">;
export type TotpSecretId = Id<"totpSecret">;
export type ApiKeyId = Id<"apiKey">;
export type ProviderId = Id<"provider">;
export type GeoExceptionId = Id<"geoException">;
export type BackupId = Id<"backup">;
export type DataKeyId = Id<"dataKey">;
export type WitnessId = Id<"witness">;
export type AuditStreamId = Id<"auditStream">;
export type InvoiceId = Id<"invoice">;
export type ExportId = Id<"export">;
export type ExportDestinationId = Id<"exportDestination">;

/**
 * Builds an identifier.
 * @param kind which prefix
 * @param nowMs Unix time in milliseconds, 0 … 2^48 − 1
 * @param random at least 10 random bytes
 */
export function makeId<K extends IdKind>(kind: K, nowMs: number, random: Uint8Array): Id<K> {
  if (random.length < 10) throw new RangeError("an identifier needs 10 random bytes");
  let value = BigInt(nowMs) << 80n;
  value |= 0x7n << 76n;
  const byte = (index: number): bigint => BigInt(random[index] ?? 0);
  value |= (((byte(0) & 0x0fn) << 8n) | byte(1)) << 64n;
  value |= 0b10n << 62n;
  let tail = byte(2) & 0x3fn;
  for (let index = 3; index < 10; index += 1) tail = (tail << 8n) | byte(index);
  value |= tail;
  let text = "";
  for (let digit = 0; digit < 26; digit += 1) {
    text = (alphabet[Number(value & 31n)] ?? "0") + text;
    value >>= 5n;
  }
  return `${idPrefixes[kind]}_${text}` as Id<K>;
}

/** Accepts exactly the prefix and 26 characters that fit 128 bits; anything else is null. */
export function parseId<K extends IdKind>(kind: K, text: unknown): Id<K> | null {
  if (typeof text !== "string") return null;
  const prefix = `${idPrefixes[kind]}_`;
  if (!text.startsWith(prefix)) return null;
  return /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(text.slice(prefix.length)) ? (text as Id<K>) : null;
}

/** An organisation's slug: 3–40 of a–z, 0–9 and inner hyphens; never looks like an id. */
declare const slugBrand: unique symbol;
export type OrgSlug = string & { readonly [slugBrand]: true };

/** Parses a slug; null when it is malformed or reserved. */
export function parseSlug(text: unknown): OrgSlug | null {
  if (typeof text !== "string" || !/^[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]$/.test(text)) return null;
  if (text.includes("--")) return null;
  return text as OrgSlug;
}
