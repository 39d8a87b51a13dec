/**
 * Stands where an organisation's own bucket would, on loopback, as S3's API reference describes PutObject and uploads
 * in parts. It verifies each signature from the bytes that came, and lies when it is told to.
 */
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { refusalOf } from "./verify-signature.ts";

export const s3Credentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
} as const;
export const s3Region = "eu-central-1";
export const s3Bucket = "acme-exports";

/** What it does instead of working, once for each entry and in their order. */
export type Lie =
  | { readonly status: number; readonly code?: string; readonly location?: string }
  /** The connection ends before an answer. */
  | "cut"
  /** It never answers. */
  | "silent"
  | "no_etag"
  /** What it answers is a tag of other bytes. */
  | "wrong_etag"
  /** 200 with an error in its body. */
  | "late_error"
  | "no_upload_id";

export interface S3Peer {
  readonly origin: string;
  /** By bucket and name. */
  readonly objects: Map<string, Buffer>;
  /** Uploads that were begun and neither completed nor given up. */
  readonly uploads: Map<string, Map<number, { readonly bytes: Buffer; readonly etag: string }>>;
  /** `METHOD path?query` of each request that came, refused or not. */
  readonly asked: string[];
  /** Written by tests: the first that fits is used up. */
  readonly lies: { readonly on: RegExp; readonly lie: Lie }[];
  stop(): Promise<void>;
}

const etagOf = (bytes: Buffer): string => `"${createHash("md5").update(bytes).digest("hex")}"`;
const error = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;

type Answer = { readonly status: number; readonly body?: string; readonly etag?: string; readonly location?: string };

function operate(peer: S3Peer, incoming: IncomingMessage, body: Buffer): Answer {
  const url = new URL(incoming.url ?? "", peer.origin);
  const refusal = refusalOf(
    incoming,
    body,
    { ...s3Credentials, region: s3Region, service: "s3", signed: [] },
    Date.now(),
  );
  if (refusal !== null) return { status: refusal === "AuthorizationHeaderMalformed" ? 400 : 403, body: error(refusal) };
  if (incoming.headers["x-amz-content-sha256"] === undefined)
    return { status: 400, body: error("MissingSecurityHeader") };
  if (!url.pathname.startsWith(`/${s3Bucket}/`)) return { status: 404, body: error("NoSuchBucket") };
  const upload = url.searchParams.get("uploadId");
  if (upload === null && incoming.method === "PUT") {
    peer.objects.set(url.pathname.slice(1), body);
    return { status: 200, etag: etagOf(body) };
  }
  if (incoming.method === "POST" && url.searchParams.has("uploads")) {
    const id = `${randomUUID()}+/=`;
    peer.uploads.set(id, new Map());
    return {
      status: 200,
      body: `<?xml version="1.0"?><InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>${s3Bucket}</Bucket><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    };
  }
  const parts = peer.uploads.get(upload ?? "");
  if (upload === null || parts === undefined) return { status: 404, body: error("NoSuchUpload") };
  switch (incoming.method) {
    case "PUT": {
      parts.set(Number(url.searchParams.get("partNumber")), { bytes: body, etag: etagOf(body) });
      return { status: 200, etag: etagOf(body) };
    }
    case "DELETE":
      peer.uploads.delete(upload);
      return { status: 204 };
    default:
      return complete(peer, url, upload, body.toString());
  }
}

function complete(peer: S3Peer, url: URL, upload: string, xml: string): Answer {
  const parts = peer.uploads.get(upload) ?? new Map();
  const listed = [...xml.matchAll(/<Part><PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)<\/ETag><\/Part>/g)].map(
    ([, part, etag]) => ({ part: Number(part), etag: (etag ?? "").replaceAll("&quot;", '"') }),
  );
  const isInOrder = listed.every(({ part }, index) => part === index + 1);
  if (listed.length === 0 || !isInOrder) return { status: 400, body: error("InvalidPartOrder") };
  if (!listed.every(({ part, etag }) => parts.get(part)?.etag === etag))
    return { status: 400, body: error("InvalidPart") };
  const bytes = listed.map(({ part }) => parts.get(part)?.bytes ?? Buffer.alloc(0));
  // 5 MiB is the least for every part but the last, and R2 wants them of one size.
  const isEven = bytes.slice(0, -1).every(({ length }) => length >= 5 * 1024 * 1024 && length === bytes[0]?.length);
  if (!isEven) return { status: 400, body: error("EntityTooSmall") };
  peer.objects.set(url.pathname.slice(1), Buffer.concat(bytes));
  peer.uploads.delete(upload);
  return {
    status: 200,
    body: `<CompleteMultipartUploadResult><ETag>"x-${bytes.length}"</ETag></CompleteMultipartUploadResult>`,
  };
}

function lieAbout(lie: Lie, honest: () => Answer): Answer | "cut" | "silent" {
  if (lie === "cut" || lie === "silent") return lie;
  if (lie === "late_error") return { status: 200, body: error("InternalError") };
  if (lie === "no_upload_id") return { status: 200, body: "<html>signed out</html>" };
  if (lie === "wrong_etag") return { ...honest(), etag: etagOf(Buffer.from("other")) };
  if (lie === "no_etag") return { status: honest().status };
  return {
    status: lie.status,
    body: error(lie.code ?? "InternalError"),
    ...(lie.location ? { location: lie.location } : {}),
  };
}

export async function startS3Peer(): Promise<S3Peer> {
  const server = createServer(async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece as Buffer);
    const line = `${incoming.method} ${incoming.url}`;
    peer.asked.push(line);
    const body = Buffer.concat(pieces);
    const honest = (): Answer => operate(peer, incoming, body);
    const index = peer.lies.findIndex(({ on }) => on.test(line));
    const [told] = index < 0 ? [] : peer.lies.splice(index, 1);
    const answer = told === undefined ? honest() : lieAbout(told.lie, honest);
    if (answer === "cut") incoming.socket.destroy();
    if (answer === "cut" || answer === "silent") return;
    if (answer.etag !== undefined) outgoing.setHeader("ETag", answer.etag);
    if (answer.location !== undefined) outgoing.setHeader("Location", answer.location);
    outgoing.writeHead(answer.status, { "Content-Type": "application/xml" }).end(answer.body ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const peer: S3Peer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects: new Map(),
    uploads: new Map(),
    asked: [],
    lies: [],
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return peer;
}
