/**
 * The check of a Signature Version 4, written from AWS's description ("Create a signed AWS API request") and not from
 * what makes one: from the request line, the headers and the body as they came.
 */
import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Expected {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: "s3" | "kms";
  /** Headers that must be among the signed ones. */
  readonly signed: readonly string[];
}

const hmac = (key: Buffer | string, text: string): Buffer => createHmac("sha256", key).update(text).digest();
const sha256 = (bytes: string | Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** @returns the code of S3's or KMS's refusal; null: it is genuine */
export function refusalOf(incoming: IncomingMessage, body: Buffer, expected: Expected, nowMs: number): string | null {
  const { accessKeyId, secretAccessKey, region, service } = expected;
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
  const parsed = pattern.exec(incoming.headers.authorization ?? "");
  if (parsed === null) return "AccessDenied";
  const [, id, day = "", at, what, names = "", signature] = parsed;
  if (id !== accessKeyId) return "InvalidAccessKeyId";
  if (at !== region || what !== service) return "AuthorizationHeaderMalformed";
  const date = String(incoming.headers["x-amz-date"]);
  const sentAt = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!date.startsWith(day) || !(Math.abs(nowMs - sentAt) < 300_000)) return "RequestTimeTooSkewed";
  const signed = names.split(";");
  const isSorted = signed.every((name, index) => index === 0 || (signed[index - 1] ?? "") < name);
  // Every x-amz header must be signed, or somebody on the way could add one.
  const amz = Object.keys(incoming.headers).filter((name) => name.startsWith("x-amz-"));
  const needed = ["host", "x-amz-date", ...expected.signed, ...amz];
  if (!isSorted || !needed.every((name) => signed.includes(name))) return "AccessDenied";
  const hash = incoming.headers["x-amz-content-sha256"];
  if (hash !== undefined && hash !== sha256(body)) return "XAmzContentSHA256Mismatch";
  const key = [day, region, service, "aws4_request"].reduce<Buffer | string>(hmac, `AWS4${secretAccessKey}`);
  const toSign = [
    "AWS4-HMAC-SHA256",
    date,
    `${day}/${region}/${service}/aws4_request`,
    sha256(canonicalOf(incoming, body, names)),
  ];
  return hmac(key, toSign.join("\n")).toString("hex") === signature ? null : "SignatureDoesNotMatch";
}

function canonicalOf(incoming: IncomingMessage, body: Buffer, names: string): string {
  const [path = "", query = ""] = (incoming.url ?? "").split("?");
  // The path goes as it was sent, encoded once; each member of the query is encoded, and they are sorted.
  const members = query === "" ? [] : query.split("&").map((member) => (member.includes("=") ? member : `${member}=`));
  const headers = names.split(";").map((name) => `${name}:${String(incoming.headers[name]).trim()}\n`);
  return [incoming.method, path, members.sort().join("&"), headers.join(""), names, sha256(body)].join("\n");
}
