/** A bucket of an organisation's own that speaks S3's protocol: where it is, and what is said to it. Pure. */
import { addressCharactersMax, parseOutsideAddress } from "../outside-address.ts";

/** A bucket as an administrator writes it down; the secret stands apart from it, sealed. */
export interface BucketSettings {
  /** Origin of the service: `https://s3.eu-central-1.amazonaws.com`, `https://<account>.r2.cloudflarestorage.com`. */
  readonly endpoint: string;
  /** As the service calls it; R2's is `auto`. */
  readonly region: string;
  readonly bucket: string;
  /** What every object's name begins with: empty, or ending in a slash. */
  readonly prefix: string;
  /** True: the bucket is the first segment of the path; false: the first label of the host. */
  readonly pathStyle: boolean;
  readonly accessKeyId: string;
}

/** Longest prefix, in characters: a name has 1024 bytes at most, of which an export's own part takes some 40. */
export const prefixCharactersMax = 200;
/** Longest identifier of an access key, in characters: AWS's have 20, others' up to 128 (IAM's API reference). */
export const accessKeyIdCharactersMax = 128;
export const secretKeyCharactersMin = 16;
/** Longest secret, in characters: AWS's have 40, R2's 64. */
export const secretKeyCharactersMax = 256;

/** Names of buckets (S3's naming rules), without dots: no certificate covers a label more under a service's host. */
const bucketPattern = /^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/;
const regionPattern = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
/** Characters that S3 calls safe, in segments that are no dots alone: what is asked for is then what was signed. */
const prefixPattern = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*$/;
const accessKeyIdPattern = /^[A-Za-z0-9_-]{4,128}$/;

/** True for settings that may be used; the address is judged by the rules of every outside address. */
export function isBucket(settings: BucketSettings, loopback: ReadonlySet<string>): boolean {
  return (
    bucketPattern.test(settings.bucket) &&
    regionPattern.test(settings.region) &&
    settings.prefix.length <= prefixCharactersMax &&
    prefixPattern.test(settings.prefix) &&
    accessKeyIdPattern.test(settings.accessKeyId) &&
    objectUrl(settings, "export", loopback) !== null
  );
}

/**
 * Where an object is.
 * @param name of safe characters only
 * @returns null when the service may not be called
 */
export function objectUrl(settings: BucketSettings, name: string, loopback: ReadonlySet<string>): URL | null {
  const origin = parseOutsideAddress(settings.endpoint, loopback);
  if (origin === null || settings.endpoint.replace(/\/$/, "") !== origin.origin) return null;
  const url = new URL(origin);
  // Its host is judged again with the bucket's label in front, which an administrator wrote as well.
  if (!settings.pathStyle) url.hostname = `${settings.bucket}.${origin.hostname}`;
  if (!settings.pathStyle && !loopback.has(origin.origin) && parseOutsideAddress(url.href, loopback) === null)
    return null;
  url.pathname = `${settings.pathStyle ? `/${settings.bucket}` : ""}/${settings.prefix}${name}`;
  return url.href.length <= addressCharactersMax + prefixCharactersMax + 128 ? url : null;
}

/**
 * Bytes of one part of an upload in parts, all but the last: S3 wants 5 MiB at least, R2 wants all of one size, and
 * one part is held in memory, for its hash is signed before its first byte leaves.
 */
export const uploadPartBytes = 8 * 1024 * 1024;
/** S3 takes so many parts. */
export const uploadPartsMax = 10_000;
/** Largest export that a bucket is given, in bytes: 80 GB. */
export const uploadBytesMax = uploadPartBytes * uploadPartsMax;

/** A part as the service knows it. */
export interface UploadedPart {
  readonly part: number;
  /** With its quotes. */
  readonly etag: string;
}

/** The body that makes parts one object, in their order. */
export function completeBody(parts: readonly UploadedPart[]): string {
  const listed = parts.map(
    ({ part, etag }) => `<Part><PartNumber>${part}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join("")}</CompleteMultipartUpload>`;
}

/** An entity tag of S3: a quoted string of visible characters. Null: the answer is none of S3's. */
export function parseEtag(header: string | null): string | null {
  return header !== null && /^"[\x21\x23-\x7e]{1,128}"$/.test(header) ? header : null;
}

/** The name of an upload that was begun. @returns null when the answer is not S3's */
export function parseUploadId(xml: string): string | null {
  const [, text] = /<InitiateMultipartUploadResult[\s>][\s\S]*?<UploadId>([^<]{1,1024})<\/UploadId>/.exec(xml) ?? [];
  if (text === undefined) return null;
  const id = unescaped(text);
  return /^[\x21-\x7e]+$/.test(id) ? id : null;
}

/**
 * Whether an upload was completed: S3 begins its answer with 200 before it knows, and may say in the body that it
 * failed (CompleteMultipartUpload, API reference).
 */
export function saysCompleted(xml: string): boolean {
  return /<CompleteMultipartUploadResult[\s>]/.test(xml) && !/<Error[\s>]/.test(xml);
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&${Object.keys(entities).find((name) => entities[name] === character)};`);
const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? "");
