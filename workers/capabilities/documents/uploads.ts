import { countParts, documentBytesMax, partBytes, saltBytes } from "../../../core/documents/layout.ts";
import { PartRefused, sealPart } from "../../../core/documents/sealed-part.ts";
import { type DocumentId, makeId, parseId } from "../../../core/ids.ts";
import type { DocumentsRpc, Upload } from "../../../core/rpc/documents.ts";
import * as store from "../../../store/tenant/document-uploads.ts";
import { type OpenUpload, uploadHours } from "../../../store/tenant/document-uploads.ts";
import { findDocument } from "../../../store/tenant/documents.ts";
import type { CallContext, Handler } from "./admission.ts";
import { abortObject, beginObject, completeObject, ObjectMissing, objectName, putObjectPart } from "./bucket.ts";
import { inspect } from "./inspect.ts";
import { parseMediaType, parseName } from "./names.ts";
import { ok, refused } from "./result.ts";
import { newDocumentKey, sealedVersion } from "./sealing.ts";

/**
 * Whoever sends a part more slowly than 110 kbit/s is cut off and may send it again: it holds a request all the way
 * through the system.
 */
const partMsMax = 10 * 60_000;

/**
 * Begins an upload. The bucket goes first: what it then holds without a row is an upload of no bytes, which it forgets
 * by itself.
 */
export const beginUpload: Handler<DocumentsRpc["beginUpload"]> = async (context, wanted) => {
  const { actor, org } = context.scope;
  if (actor.kind !== "user") return refused("forbidden");
  const { sizeBytes, storageBytesMax } = wanted;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > documentBytesMax)
    return refused("invalid_request");
  if (!Number.isSafeInteger(storageBytesMax)) return refused("invalid_request");
  const declaredType = parseMediaType(wanted.declaredType);
  if (declaredType === null) return refused("invalid_request");
  if (wanted.document !== null && parseId("document", wanted.document) === null) return refused("not_found");
  const name = wanted.document === null ? parseName(wanted.name) : "";
  if (name === null) return refused("invalid_request");

  const id = makeId("upload", context.now(), context.randomBytes(10));
  const document = wanted.document ?? makeId("document", context.now(), context.randomBytes(10));
  // Whoever may not write it makes nothing in the bucket.
  if (wanted.document !== null) {
    const found = await findDocument(context.database, document);
    if (found === null || found.deletedAt !== null) return refused("not_found");
    if (!found.mayWrite) return refused("forbidden");
  }
  const key = wanted.document === null ? await newDocumentKey(context, document) : null;
  const place = objectName(org, document, id);
  const upload = await beginObject(context.bucket, place);
  const begin = { id, document, sizeBytes, declaredType, upload, by: actor.user, storageBytesMax };
  const outcome =
    key === null ? await store.beginVersion(context.database, begin) : await beginFirst(context, begin, name, key);
  if (outcome === "begun") {
    const expiresAt = new Date(context.now() + uploadHours * 3_600_000).toISOString();
    return ok(uploadOf({ document, id, sizeBytes, parts: [], expiresAt }));
  }
  await abortObject(context.bucket, place, upload);
  return refused(outcome === "no_room" ? "storage_full" : "not_found");
};

async function beginFirst(
  { database }: CallContext,
  begin: store.UploadBegin,
  name: string,
  wrappedKey: string,
): Promise<"begun" | "no_room"> {
  return (await store.beginDocument(database, begin, { name, wrappedKey })) ? "begun" : "no_room";
}

export const findUpload: Handler<DocumentsRpc["findUpload"]> = async (context, document, id) => {
  const found = await openUpload(context, document, id);
  return typeof found === "string" ? refused(found) : ok(uploadOf(found));
};

/**
 * Seals a part on its way into the bucket, then notes it. Nothing of it is held but a chunk. A crash in between leaves
 * a part that the list of those here lacks: it is sent again.
 */
export const putPart: Handler<DocumentsRpc["putPart"]> = async (context, place, body) => {
  const found = await ownUpload(context, place.document, place.upload);
  if (typeof found === "string") return drop(body, found);
  const { part } = place;
  if (!Number.isInteger(part) || part < 1 || part > countParts(found.sizeBytes)) return drop(body, "not_found");
  const version = await sealedVersion(context, found, found.sizeBytes);
  const name = objectName(context.scope.org, found.document, found.id);
  const plain = new Arriving(body);
  const sealed = sealPart(version, part, context.randomBytes(saltBytes), plain.pieces());
  const failing = new Failing(sealed);
  let etag: string;
  try {
    etag = await putObjectPart(context, { name, upload: found.upload, part, size: found.sizeBytes }, failing.pieces());
  } catch (error) {
    if (!(failing.cause instanceof PartRefused)) throw error;
    return refused(failing.cause.code === "too_long" ? "too_large" : "invalid_request");
  } finally {
    version.key.fill(0);
  }
  return (await store.notePart(context.database, found.id, part, etag)) ? ok(null) : refused("not_found");
};

/** Refuses a part that nobody will read. */
async function drop(
  body: ReadableStream<Uint8Array>,
  code: "not_found" | "forbidden",
): Promise<ReturnType<typeof refused>> {
  await body.cancel().catch(() => undefined);
  return refused(code);
}

/** A body as it comes, for as long as it may take. */
class Arriving {
  readonly #body: ReadableStream<Uint8Array>;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#body = body;
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    const reader = this.#body.getReader();
    // What was being waited for then ends, and the part is too short.
    const timer = setTimeout(() => void reader.cancel("too slow").catch(() => undefined), partMsMax);
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    } finally {
      clearTimeout(timer);
      await reader.cancel().catch(() => undefined);
    }
  }
}

/** Keeps why a source failed: on its way through a stream of the platform's an error loses what it was. */
class Failing {
  readonly #source: AsyncIterable<Uint8Array>;
  /** Written by `pieces`, once. */
  cause: unknown = null;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#source;
    } catch (error) {
      this.cause = error;
      throw error;
    }
  }
}

/**
 * Puts the parts together, reads them all as they lie there, and makes it the version that is read. Until the row says
 * so nobody can read a byte of it, and what was found harmful is gone before anybody could.
 */
export const completeUpload: Handler<DocumentsRpc["completeUpload"]> = async (context, document, id) => {
  const found = await ownUpload(context, document, id);
  if (found === "forbidden") return refused(found);
  if (found === "not_found") return completedBefore(context, document, id);
  const { sizeBytes, upload, parts } = found;
  if (parts.length !== countParts(sizeBytes)) return refused("conflict");
  const name = objectName(context.scope.org, document, id);
  const together = await completeObject(context.bucket, { name, upload, size: sizeBytes }, parts);
  // One part was sent twice at once, and the row has the tag of the other try: which one, nobody says.
  if (together === "other_parts") await store.forgetParts(context.database, id);
  if (together !== "complete") return refused("conflict");
  const looked = await lookAt(context, found);
  if (looked === "gone") return refused("not_found");
  if (looked === "harmful") {
    await endUpload(context, found);
    return refused("harmful");
  }
  const made = await store.completeUpload(context.database, found, looked);
  return made === null ? refused("not_found") : ok(made);
};

/** @returns `gone` when somebody gave it up meanwhile */
async function lookAt(context: CallContext, found: OpenUpload): Promise<Awaited<ReturnType<typeof inspect>> | "gone"> {
  try {
    return await inspect(context, found);
  } catch (error) {
    if (error instanceof ObjectMissing) return "gone";
    throw error;
  }
}

/**
 * Ends an upload: its row is closed, then its object goes, then its row. In another order somebody who completes it at
 * that very moment would have a version without its bytes.
 * @returns false when it became a version before, which is left as it is
 */
export async function endUpload(
  { bucket, database, scope }: CallContext,
  { document, id, upload }: Pick<OpenUpload, "document" | "id" | "upload">,
): Promise<boolean> {
  if (!(await store.closeUpload(database, document, id))) return false;
  await abortObject(bucket, objectName(scope.org, document, id), upload);
  return store.endUpload(database, document, id);
}

/** Asked again, because the answer was lost. */
async function completedBefore(
  { database }: CallContext,
  document: DocumentId,
  id: OpenUpload["id"],
): ReturnType<DocumentsRpc["completeUpload"]> {
  if (parseId("document", document) === null || parseId("upload", id) === null) return refused("not_found");
  if (!(await store.isComplete(database, document, id))) return refused("not_found");
  const found = await findDocument(database, document);
  return found?.mayWrite === true ? ok(found) : refused("not_found");
}

export const cancelUpload: Handler<DocumentsRpc["cancelUpload"]> = async (context, document, id) => {
  const found = await openUpload(context, document, id);
  if (typeof found === "string") return refused(found);
  return (await endUpload(context, found)) ? ok(null) : refused("not_found");
};

/** One of the actor's own: a version bears the name of whoever announced it, and nobody else puts a byte into it. */
async function ownUpload(
  context: CallContext,
  document: DocumentId,
  id: OpenUpload["id"],
): Promise<OpenUpload | "not_found" | "forbidden"> {
  const found = await openUpload(context, document, id);
  const { actor } = context.scope;
  if (typeof found === "string" || actor.kind !== "user") return "not_found";
  return found.by === actor.user ? found : "forbidden";
}

/** An upload that the actor may write to. Whoever may only read its document sees none. */
async function openUpload(
  { database, scope }: CallContext,
  document: DocumentId,
  id: OpenUpload["id"],
): Promise<OpenUpload | "not_found"> {
  if (parseId("document", document) === null || parseId("upload", id) === null) return "not_found";
  const found = await store.findUpload(database, document, id);
  if (found === null || scope.actor.kind !== "user") return "not_found";
  const { role, user } = scope.actor;
  const isManager = role === "owner" || role === "admin";
  return isManager || (role === "analyst" && found.owner === user) ? found : "not_found";
}

function uploadOf(found: Pick<OpenUpload, "document" | "id" | "sizeBytes" | "parts" | "expiresAt">): Upload {
  const { document, id, sizeBytes, parts, expiresAt } = found;
  return {
    document,
    id,
    sizeBytes,
    partBytes,
    partCount: countParts(sizeBytes),
    partsHere: parts.map(({ part }) => part),
    expiresAt,
  };
}
