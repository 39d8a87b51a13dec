import { KeyUnavailable } from "../../../core/crypto/key-wrapper.ts";
import { asSearched } from "../../../core/documents/searchable-text.ts";
import { type DocumentId, parseId } from "../../../core/ids.ts";
import type { DueDocument } from "../../../core/rpc/documents.ts";
import { noteText, noteTextTry, type WaitingText, waitingTexts } from "../../../store/tenant/document-texts.ts";
import { abandonedUploads, dueDocuments, endDocument, versionsOfDue } from "../../../store/tenant/document-upkeep.ts";
import type { CallContext } from "./admission.ts";
import { abortObject, deleteObjects, objectName } from "./bucket.ts";
import { type PdfReading, readPdfText } from "./pdf-text.ts";
import { readPlain, sealedVersion } from "./sealing.ts";
import { endUpload } from "./uploads.ts";

/** No PDF is begun later than this in one visit, in milliseconds: other organisations wait for theirs. */
const readingMsMax = 30_000;
/** A reader that did not answer so often in one visit is not there; once may have been the PDF. */
const awayMax = 3;

/** Ends uploads that nobody finished, and says which documents are due. */
export async function tend(context: CallContext): Promise<readonly DueDocument[]> {
  const { database } = context;
  for (const abandoned of await abandonedUploads(database)) await endUpload(context, abandoned);
  await readWaiting(context);
  return dueDocuments(database);
}

/** PDFs that nobody could read when they came, or that came before there was a reader. */
async function readWaiting(context: CallContext): Promise<void> {
  const { database, now } = context;
  const untilMs = now() + readingMsMax;
  let away = 0;
  for (const waiting of await waitingTexts(database)) {
    if (now() >= untilMs) return;
    await noteTextTry(database, waiting.id);
    const reading = await readOne(context, waiting);
    if (reading.kind === "away") {
      // It may hold the reader still, and none of the others is to lose a try by that: they come first the next time.
      if (reading.isSlow) return;
      away += 1;
      if (away === awayMax) return;
      continue;
    }
    const isText = reading.kind === "text";
    const read = { state: isText ? "read" : "unreadable", text: isText ? asSearched(reading.text) : "" } as const;
    await noteText(database, waiting, read);
  }
}

/** A key that is away keeps nobody from tending the rest. */
async function readOne(context: CallContext, waiting: WaitingText): Promise<PdfReading> {
  const size = waiting.sizeBytes;
  try {
    const version = await sealedVersion(context, waiting, size);
    try {
      return await readPdfText(context, size, () =>
        readPlain(context, version, waiting.id, { offset: 0, length: size }),
      );
    } finally {
      version.key.fill(0);
    }
  } catch (error) {
    if (error instanceof KeyUnavailable) return { kind: "away", isSlow: false };
    throw error;
  }
}

/** Ends a document that is due, of any other nothing: its objects, then its rows. Doing it again completes it. */
export async function expunge({ bucket, database, scope }: CallContext, document: DocumentId): Promise<void> {
  if (parseId("document", document) === null) return;
  const versions = await versionsOfDue(database, document);
  if (versions === null) return;
  for (const { id, openUpload } of versions) {
    const name = objectName(scope.org, document, id);
    if (openUpload === null) await bucket.delete(name);
    else await abortObject(bucket, name, openUpload);
  }
  await endDocument(database, document);
}

/** Every object of the organisation. */
export async function erase({ bucket, scope }: CallContext): Promise<void> {
  await deleteObjects(bucket, scope.org);
}
