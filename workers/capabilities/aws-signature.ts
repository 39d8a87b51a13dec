/**
 * AWS Signature Version 4 of a request whose body is at hand: for keys in AWS KMS and for organisations' own buckets.
 * What it takes of paths and queries (canonical encoding, order) is the general case, and so a library's work.
 */
import { AwsV4Signer } from "aws4fetch";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface AwsRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With its query. Its host is signed, so a signature is worth nothing anywhere else. */
  readonly url: URL;
  readonly region: string;
  readonly service: "kms" | "s3";
  /** Names in lower case. Every one of them is signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Unix milliseconds. AWS refuses what is off by more than five minutes. */
  readonly atMs: number;
}

/**
 * @returns the headers to send: those given, `x-amz-date`, `x-amz-content-sha256` and `authorization`. The client sets
 *   `host` itself. The hash of the body is signed, so nobody on the way can change a byte of it.
 */
export async function signAws(credentials: AwsCredentials, request: AwsRequest): Promise<Record<string, string>> {
  const { method, url, region, service, headers, body, atMs } = request;
  const signer = new AwsV4Signer({
    ...credentials,
    method,
    url: url.href,
    region,
    service,
    headers: { ...headers, "x-amz-content-sha256": await sha256Hex(body) },
    body,
    datetime: new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, ""),
    allHeaders: true,
  });
  return Object.fromEntries((await signer.sign()).headers);
}

async function sha256Hex(body: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
}
