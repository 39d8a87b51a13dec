import { type DocumentId, parseId } from "../../../core/ids.ts";
import type { DueDocument } from "../../../core/rpc/documents.ts";
import { abandonedUploads, dueDocuments, endDocument, versionsOfDue } from "../../../store/tenant/document-upkeep.ts";
import { endUpload } from "../../../store/tenant/document-uploads.ts";
import type { CallContext } from "./admission.ts";
import { abortObject, deleteObjects, objectName } from "./bucket.ts";

/** Ends uploads that nobody finished, and says which documents are due. The bucket goes first, as everywhere. */
export async function tend(context: CallContext): Promise<readonly DueDocument[]> {
  const { bucket, database, scope } = context;
  for (const { document, id, upload } of await abandonedUploads(database)) {
    await abortObject(bucket, objectName(scope.org, document, id), upload);
    await endUpload(database, document, id);
  }
  return dueDocuments(database);
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
