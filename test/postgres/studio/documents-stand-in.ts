/** What the documents capability answers where studio alone is under test. */
import { type IdKind, makeId } from "../../../core/ids.ts";
import type { Document, DocumentResult, Share, Upload } from "../../../core/rpc/documents.ts";

export function documentAnswers(now: () => number): Record<string, (args: readonly unknown[]) => unknown> {
  const id = <K extends IdKind>(kind: K) => makeId(kind, now(), crypto.getRandomValues(new Uint8Array(10)));
  const at = (): string => new Date(now()).toISOString();
  const ok = <T>(value: T): DocumentResult<T> => ({ ok: true, value });
  const version = () => {
    const looked = { mediaType: "text/plain", active: false, text: null };
    return { number: 1, sizeBytes: 3, ...looked, createdBy: id("user"), completedAt: at() };
  };
  const document = (): Document => {
    const times = { createdAt: at(), updatedAt: at(), deletedAt: null };
    return { id: id("document"), name: "a.txt", owner: id("user"), ...times, mayWrite: true, version: version() };
  };
  const upload = (): Upload => {
    const parts = { sizeBytes: 3, partBytes: 8, partCount: 1, partsHere: [] };
    return { document: id("document"), id: id("upload"), ...parts, expiresAt: at() };
  };
  const share = (): Share => {
    const made = { until: null, createdBy: id("user"), createdAt: at() };
    return { id: id("share"), kind: "role", grantee: "viewer", ...made };
  };
  const content = () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("abc"));
        controller.close();
      },
    });
    return { name: "a.txt", version: version(), entityTag: '"upl"', range: null, body };
  };
  const done = () => ok(null);
  return {
    beginUpload: () => ok(upload()),
    findUpload: () => ok(upload()),
    putPart: done,
    completeUpload: () => ok(document()),
    cancelUpload: done,
    listDocuments: () => ok({ items: [document()], nextCursor: null }),
    getDocument: () => ok(document()),
    listVersions: () => ok([version()]),
    renameDocument: () => ok(document()),
    openContent: () => ok(content()),
    removeDocument: done,
    restoreDocument: () => ok(document()),
    addShare: () => ok(share()),
    listShares: () => ok([share()]),
    removeShare: done,
    tend: () => [],
    expunge: () => undefined,
    erase: () => undefined,
  };
}
