/** A real R2 of workerd's, and streams as Node has them. */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { DocumentBucket, ToStream } from "../../../workers/capabilities/documents/bucket.ts";

export async function startDocumentBucket(): Promise<{ bucket: DocumentBucket; stop: () => Promise<void> }> {
  const worker = { name: "bucket", modules: true, compatibilityDate: "2026-10-20", script: "export default {}" };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers: [{ ...worker, r2Buckets: ["DOCUMENTS"] }] }));
  const bucket = takesStreams((await miniflare.getR2Bucket("DOCUMENTS")) as unknown as DocumentBucket);
  return { bucket, stop: () => miniflare.dispose() };
}

/** Node has no stream of a known length: what comes is counted here as workerd counts it. */
export const toStream: ToStream = (length, pieces) => {
  const iterator = pieces[Symbol.asyncIterator]();
  let left = length;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await iterator.next();
        if (next.done !== true) left -= next.value.length;
        if (left < 0 || (next.done === true && left > 0)) throw new Error("not so many bytes as announced");
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
};

/** Across the process a part travels as bytes: the binding's stand-in here takes no stream of unknown length. */
function takesStreams(bucket: DocumentBucket): DocumentBucket {
  const resume = (name: string, id: string) => {
    const upload = async () => bucket.resumeMultipartUpload(name, id);
    return {
      abort: async () => (await upload()).abort(),
      complete: async (parts: readonly { partNumber: number; etag: string }[]) => (await upload()).complete([...parts]),
      uploadPart: async (part: number, body: ReadableStream<Uint8Array>) =>
        (await upload()).uploadPart(part, await new Response(body).arrayBuffer()),
    };
  };
  return new Proxy(bucket, {
    get: (target, name) => (name === "resumeMultipartUpload" ? resume : Reflect.get(target, name)),
  });
}

/** The bucket, with a point in front of each change and each reading of it. */
export function interruptedBucket(bucket: DocumentBucket, point: () => Promise<void>): DocumentBucket {
  const resume = (name: string, id: string) => {
    const upload = bucket.resumeMultipartUpload(name, id);
    return {
      abort: async () => {
        await point();
        await upload.abort();
      },
      complete: async (parts: Parameters<typeof upload.complete>[0]) => {
        await point();
        return upload.complete(parts);
      },
      uploadPart: upload.uploadPart.bind(upload),
    };
  };
  return new Proxy(bucket, {
    get(target, name) {
      if (name === "resumeMultipartUpload") return resume;
      if (name === "delete")
        return async (...given: Parameters<typeof target.delete>) => {
          await point();
          return target.delete(...given);
        };
      if (name === "get")
        return async (...given: Parameters<typeof target.get>) => {
          await point();
          return target.get(...given);
        };
      return Reflect.get(target, name);
    },
  });
}
