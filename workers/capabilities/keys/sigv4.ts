/**
 * AWS Signature Version 4 for one shape of request: `POST /` with a JSON body and no query, which is all that
 * KMS has. Written out because it is sixty lines of WebCrypto, checked against AWS's own examples and by a peer
 * that verifies; a library would bring the general case (docs/adr/0020-encryption-at-rest.md).
 */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SignedPost {
  readonly host: string;
  readonly region: string;
  readonly service: string;
  /** Names in lower case; `host` and `x-amz-date` are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Unix milliseconds. AWS refuses what is off by more than five minutes. */
  readonly atMs: number;
}

/** @returns the headers to send: those given, `x-amz-date` and `authorization`. The client sets `host` itself. */
export async function signPost(credentials: AwsCredentials, request: SignedPost): Promise<Record<string, string>> {
  const date = new Date(request.atMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = `${date.slice(0, 8)}/${request.region}/${request.service}/aws4_request`;
  const sent: Record<string, string> = { ...request.headers, "x-amz-date": date };
  const signed = Object.entries({ ...sent, host: request.host }).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(";");
  const canonical = [
    "POST",
    "/",
    "",
    ...signed.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, " ")}`),
    "",
    names,
    await sha256Hex(request.body),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", date, scope, await sha256Hex(canonical)].join("\n");
  const signature = hex(await hmac(await signingKey(credentials.secretAccessKey, scope), toSign));
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...sent, authorization };
}

/** The secret, narrowed to a day, a region and a service, one after the other. */
export async function signingKey(secret: string, scope: string): Promise<Uint8Array<ArrayBuffer>> {
  let key = encode(`AWS4${secret}`);
  for (const part of scope.split("/")) key = await hmac(key, part);
  return key;
}

async function hmac(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, encode(text)));
}

async function sha256Hex(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", encode(text))));
}

const encode = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text));
const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
