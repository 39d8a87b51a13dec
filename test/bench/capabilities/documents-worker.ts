import { fromStream, toStream } from "../../../core/backup/pipe.ts";
import { type ByteRange, saltBytes, sealedPartLength, sealedRange } from "../../../core/documents/layout.ts";
import { openRange, type SealedVersion, sealPart } from "../../../core/documents/sealed-part.ts";
import { makeId } from "../../../core/ids.ts";

/** Parts into a bucket and out of it, as they are and sealed: what differs is the sealing alone. */

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;
/** What is used of the binding. */
interface Bucket {
  createMultipartUpload(name: string): Promise<{ readonly uploadId: string }>;
  resumeMultipartUpload(
    name: string,
    upload: string,
  ): { uploadPart(part: number, body: Bytes): Promise<unknown>; complete(parts: unknown): Promise<unknown> };
  get(name: string, options: { readonly range: ByteRange }): Promise<{ readonly body: Bytes } | null>;
}
interface Env {
  readonly BUCKET: Bucket;
}

const random = (): Uint8Array => crypto.getRandomValues(new Uint8Array(10));
const ids = () => ({ org: makeId("org", Date.now(), random()), document: makeId("document", Date.now(), random()) });
/** One for all uploads of a run. */
let owner: ReturnType<typeof ids> | null = null;
const key = new Uint8Array(32).fill(7);

function versionOf(size: number): SealedVersion {
  owner ??= ids();
  return { ...owner, key, version: "1", size };
}

/** The runtime's own. */
type FixedLength = new (length: number) => TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>;

/** R2 wants to know how long a body is before it takes it. */
function sized(length: number, body: Bytes): Bytes {
  const { FixedLengthStream: Fixed } = globalThis as unknown as { FixedLengthStream: FixedLength };
  const fixed = new Fixed(length);
  // What goes wrong shows at the end that is read.
  body.pipeTo(fixed.writable).catch(() => undefined);
  return fixed.readable;
}

export default {
  async fetch(request: Request, { BUCKET }: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const isSealed = searchParams.get("kind") === "sealed";
    const name = `object ${searchParams.get("kind")}`;
    const size = Number(searchParams.get("size"));
    const upload = searchParams.get("upload") ?? "";
    if (pathname === "/begin") return new Response((await BUCKET.createMultipartUpload(name)).uploadId);
    if (pathname === "/part" && request.body !== null) {
      const part = Number(searchParams.get("part"));
      const resumed = BUCKET.resumeMultipartUpload(name, upload);
      if (!isSealed) return Response.json(await resumed.uploadPart(part, request.body));
      const salt = crypto.getRandomValues(new Uint8Array(saltBytes));
      const sealed = toStream(sealPart(versionOf(size), part, salt, fromStream(request.body)));
      return Response.json(await resumed.uploadPart(part, sized(sealedPartLength(size, part), sealed)));
    }
    if (pathname === "/complete") {
      await BUCKET.resumeMultipartUpload(name, upload).complete(await request.json());
      return new Response(null, { status: 204 });
    }
    const range = { offset: 0, length: size };
    const object = await BUCKET.get(name, { range: isSealed ? sealedRange(size, range).body : range });
    if (object === null) return new Response(null, { status: 404 });
    if (!isSealed) return new Response(object.body);
    return new Response(toStream(openRange(versionOf(size), range, { salt: null, body: fromStream(object.body) })));
  },
};
