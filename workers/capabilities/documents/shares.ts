import { makeId, parseId } from "../../../core/ids.ts";
import { type DocumentsRpc, grantedRoles, type NewShare } from "../../../core/rpc/documents.ts";
import {
  removeShare as endShare,
  listShares as readShares,
  addShare as storeShare,
} from "../../../store/tenant/document-shares.ts";
import { findDocument } from "../../../store/tenant/documents.ts";
import type { Handler } from "./admission.ts";
import { ok, refused } from "./result.ts";

/** That a person is a member of the organisation is studio's to know: people are not in this schema. */
export const addShare: Handler<DocumentsRpc["addShare"]> = async (context, document, share) => {
  const { actor } = context.scope;
  if (actor.kind !== "user") return refused("forbidden");
  if (parseId("document", document) === null) return refused("not_found");
  if (!isShare(share, context.now())) return refused("invalid_request");
  const found = await findDocument(context.database, document);
  if (found === null) return refused("not_found");
  if (!found.mayWrite) return refused("forbidden");
  if (found.deletedAt !== null) return refused("conflict");
  const id = makeId("share", context.now(), context.randomBytes(10));
  const { kind, grantee, until } = share;
  const made = await storeShare(context.database, document, { id, kind, grantee, until, by: actor.user });
  return typeof made === "string" ? refused(made) : ok(made);
};

/** With whom it is shared is not for those with whom it is. */
export const listShares: Handler<DocumentsRpc["listShares"]> = async (context, document) => {
  if (parseId("document", document) === null) return refused("not_found");
  const found = await findDocument(context.database, document);
  if (found === null) return refused("not_found");
  const { actor } = context.scope;
  const readsAll = actor.kind === "user" && actor.role === "readonly";
  if (!found.mayWrite && !readsAll) return refused("forbidden");
  return ok(await readShares(context.database, document));
};

export const removeShare: Handler<DocumentsRpc["removeShare"]> = async (context, document, id) => {
  if (parseId("document", document) === null || parseId("share", id) === null) return refused("not_found");
  const found = await findDocument(context.database, document);
  if (found === null) return refused("not_found");
  if (!found.mayWrite) return refused("forbidden");
  return (await endShare(context.database, document, id)) ? ok(null) : refused("not_found");
};

function isShare({ kind, grantee, until }: NewShare, nowMs: number): boolean {
  if (until !== null && !(Date.parse(until) > nowMs)) return false;
  if (kind === "role") return grantedRoles.some((role) => role === grantee);
  return (kind === "user" || kind === "group") && parseId(kind, grantee) !== null;
}
