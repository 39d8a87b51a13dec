import { parseId } from "../../../core/ids.ts";
import type { Document, DocumentResult, DocumentsRpc } from "../../../core/rpc/documents.ts";
import * as store from "../../../store/tenant/documents.ts";
import { parsePage } from "../../../store/tenant/page.ts";
import type { CallContext, Handler } from "./admission.ts";
import { parseName } from "./names.ts";
import { ok, refused } from "./result.ts";

/** Characters of what is looked for. */
export const queryCharactersMax = 200;

export const listDocuments: Handler<DocumentsRpc["listDocuments"]> = async (context, list) => {
  const keyset = parsePage("document", list);
  if (typeof keyset === "string") return refused(keyset);
  const { query, bin } = list;
  if (query !== null && (typeof query !== "string" || query.length > queryCharactersMax))
    return refused("invalid_request");
  return ok(await store.listDocuments(context.database, { query, bin: bin === true }, keyset));
};

export const getDocument: Handler<DocumentsRpc["getDocument"]> = async (context, id) => {
  if (parseId("document", id) === null) return refused("not_found");
  const found = await store.findDocument(context.database, id);
  return found === null ? refused("not_found") : ok(found);
};

export const listVersions: Handler<DocumentsRpc["listVersions"]> = async (context, id) => {
  if (parseId("document", id) === null) return refused("not_found");
  const versions = await store.listVersions(context.database, id);
  return versions === null ? refused("not_found") : ok(versions);
};

export const renameDocument: Handler<DocumentsRpc["renameDocument"]> = async (context, id, text) => {
  if (parseId("document", id) === null) return refused("not_found");
  const name = parseName(text);
  if (name === null) return refused("invalid_request");
  return changed(context, id, await store.renameDocument(context.database, id, name));
};

/** Its versions stay where they are, and count for the quota, until its time in the bin is over. */
export const removeDocument: Handler<DocumentsRpc["removeDocument"]> = async (context, id) => {
  if (parseId("document", id) === null) return refused("not_found");
  const { actor } = context.scope;
  if (actor.kind !== "user") return refused("forbidden");
  const done = await changed(context, id, await store.binDocument(context.database, id, actor.user));
  return done.ok ? ok(null) : done;
};

export const restoreDocument: Handler<DocumentsRpc["restoreDocument"]> = async (context, id) => {
  if (parseId("document", id) === null) return refused("not_found");
  return changed(context, id, await store.restoreDocument(context.database, id));
};

/** Nothing was changed: why? Whoever sees the document may be told more than whoever does not. */
async function changed(
  { database }: CallContext,
  id: Document["id"],
  document: Document | null,
): Promise<DocumentResult<Document>> {
  if (document !== null) return ok(document);
  const found = await store.findDocument(database, id);
  if (found === null) return refused("not_found");
  return refused(found.mayWrite ? "conflict" : "forbidden");
}
