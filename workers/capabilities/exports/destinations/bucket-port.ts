/** An organisation's own bucket, by S3's protocol: whole in one request, or in parts. */
import { ByteQueue } from "../../../../core/byte-queue.ts";
import type {
  DeliveryOutcome,
  DestinationPort,
  ExportMeta,
  ResultBytes,
} from "../../../../core/exports/destination.ts";
import * as s3 from "../../../../core/exports/s3.ts";
import { type AwsCredentials, signAws } from "../../aws-signature.ts";
import { type AskOutside, askPatiently, type OutsideAnswer, type OutsideRequest } from "./ask-outside.ts";
import { exactPieces } from "./exact-pieces.ts";

export interface DeliveryDependencies {
  readonly ask: AskOutside;
  readonly wait: (ms: number) => Promise<void>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Origins that development lets through as they are; empty in production. */
  readonly loopback: ReadonlySet<string>;
}

type Failure = Extract<DeliveryOutcome, { ok: false }>;
type Asked = OutsideAnswer | Failure;
/** Asks about the one object. @param query of the operation, without a question mark */
type AskObject = (method: OutsideRequest["method"], query: string, body?: OutsideRequest["body"]) => Promise<Asked>;

const failed = (code: Failure["code"]): Failure => ({ ok: false, code });
const isFailure = (answer: object): answer is Failure => "ok" in answer;
/** What was said is no answer of S3's; a proxy in front of it may give way to it again. */
const malformed = failed("refused_for_now");

/**
 * A bucket, opened. An object has the name that its export has, so that delivering again replaces it; it is there
 * whole or not at all, for S3 shows no part of an upload that was not completed.
 */
export function createBucketPort(
  dependencies: DeliveryDependencies,
  settings: s3.BucketSettings,
  secretAccessKey: string,
): DestinationPort {
  return {
    async deliver(result, meta) {
      if (meta.sizeBytes > s3.uploadBytesMax) return failed("refused");
      const credentials = { accessKeyId: settings.accessKeyId, secretAccessKey };
      const ask = askObject(dependencies, settings, credentials, meta.fileName, meta.mediaType);
      if (ask === null) return failed("refused");
      const failure = await (meta.sizeBytes <= s3.uploadPartBytes ? putWhole : putInParts)(ask, result, meta);
      return failure ?? { ok: true, place: `${settings.bucket}/${settings.prefix}${meta.fileName}` };
    },
  };
}

/** Writes a small object, to show that the bucket takes one. It stays: a right to delete is none that exports need. */
export async function testBucket(
  dependencies: DeliveryDependencies,
  settings: s3.BucketSettings,
  secretAccessKey: string,
): Promise<DeliveryOutcome> {
  const credentials = { accessKeyId: settings.accessKeyId, secretAccessKey };
  const ask = askObject(dependencies, settings, credentials, testName, "text/plain");
  if (ask === null) return failed("refused");
  const answer = await ask("PUT", "", "Sentinel may write here.\n");
  if (isFailure(answer)) return answer;
  return s3.parseEtag(answer.etag) === null
    ? malformed
    : { ok: true, place: `${settings.bucket}/${settings.prefix}${testName}` };
}

const testName = "sentinel-test.txt";

function askObject(
  { ask, wait, now, loopback }: DeliveryDependencies,
  settings: s3.BucketSettings,
  credentials: AwsCredentials,
  name: string,
  mediaType: string,
): AskObject | null {
  const url = s3.objectUrl(settings, name, loopback);
  if (url === null) return null;
  return async (method, query, body = "") => {
    const request = async (): Promise<OutsideRequest> => {
      const at = new URL(url);
      at.search = query;
      const begins = method === "PUT" ? query === "" : query === "uploads=";
      const headers: Record<string, string> = begins ? { "content-type": mediaType } : {};
      const unsigned = { method, url: at, headers, body };
      const signing = { ...unsigned, region: settings.region, service: "s3", atMs: now() } as const;
      return { ...unsigned, headers: await signAws(credentials, signing) };
    };
    const answer = await askPatiently(ask, wait, request);
    return typeof answer === "string" ? failed(answer) : answer;
  };
}

async function putWhole(ask: AskObject, result: ResultBytes, meta: ExportMeta): Promise<Failure | null> {
  const queue = new ByteQueue();
  for await (const piece of exactPieces(result.read(), meta.sizeBytes)) queue.push(piece);
  const answer = await ask("PUT", "", queue.take(queue.length));
  if (isFailure(answer)) return answer;
  return s3.parseEtag(answer.etag) === null ? malformed : null;
}

async function putInParts(ask: AskObject, result: ResultBytes, meta: ExportMeta): Promise<Failure | null> {
  const begun = await ask("POST", "uploads=");
  if (isFailure(begun)) return begun;
  const upload = s3.parseUploadId(begun.text);
  if (upload === null) return malformed;
  const uploadId = `uploadId=${encodeURIComponent(upload)}`;
  let isComplete = false;
  try {
    const parts = await putParts(ask, uploadId, result, meta);
    if (!Array.isArray(parts)) return parts;
    const completed = await ask("POST", uploadId, s3.completeBody(parts));
    if (isFailure(completed)) return completed;
    isComplete = s3.saysCompleted(completed.text);
    return isComplete ? null : malformed;
  } finally {
    // Parts that nobody completes cost whoever owns the bucket. One that can't be told is left to its lifecycle rules.
    if (!isComplete) await ask("DELETE", uploadId);
  }
}

async function putParts(
  ask: AskObject,
  uploadId: string,
  result: ResultBytes,
  meta: ExportMeta,
): Promise<s3.UploadedPart[] | Failure> {
  const parts: s3.UploadedPart[] = [];
  const put = async (bytes: Uint8Array<ArrayBuffer>): Promise<Failure | null> => {
    const part = parts.length + 1;
    const answer = await ask("PUT", `partNumber=${part}&${uploadId}`, bytes);
    if (isFailure(answer)) return answer;
    const etag = s3.parseEtag(answer.etag);
    if (etag === null) return malformed;
    parts.push({ part, etag });
    return null;
  };
  const queue = new ByteQueue();
  for await (const piece of exactPieces(result.read(), meta.sizeBytes)) {
    queue.push(piece);
    while (queue.length >= s3.uploadPartBytes) {
      const failure = await put(queue.take(s3.uploadPartBytes));
      if (failure !== null) return failure;
    }
  }
  const failure = queue.length > 0 ? await put(queue.take(queue.length)) : null;
  return failure ?? parts;
}
