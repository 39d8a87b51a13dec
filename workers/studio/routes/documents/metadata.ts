import { z } from "@hono/zod-openapi";
import { answerFromDocuments } from "../../http/ask-documents.ts";
import { defineRoute } from "../../http/define-route.ts";
import { nothing } from "../../http/schemas.ts";
import { document, documentName, documentParams, documentVersion, documentView, versionView } from "./schemas.ts";

export const getDocument = defineRoute(
  "getDocument",
  { caller: "member", params: documentParams, status: 200, answer: document },
  (context, { params }) =>
    answerFromDocuments(context, (documents, call) => documents.getDocument(call, params.doc), documentView, {
      action: "read",
      of: () => params.doc,
    }),
);

export const listDocumentVersions = defineRoute(
  "listDocumentVersions",
  { caller: "member", params: documentParams, status: 200, answer: z.object({ items: z.array(documentVersion) }) },
  (context, { params }) =>
    answerFromDocuments(
      context,
      (documents, call) => documents.listVersions(call, params.doc),
      (versions) => ({ items: versions.map(versionView) }),
      { action: "read", of: () => params.doc },
    ),
);

export const renameDocument = defineRoute(
  "renameDocument",
  {
    caller: "member",
    params: documentParams,
    body: z.strictObject({ name: documentName }),
    status: 200,
    answer: document,
  },
  (context, { params, body }) =>
    answerFromDocuments(
      context,
      (documents, call) => documents.renameDocument(call, params.doc, body.name),
      documentView,
      { action: "write", of: () => params.doc },
    ),
);

export const removeDocument = defineRoute(
  "removeDocument",
  { caller: "member", params: documentParams, status: 204, answer: nothing },
  (context, { params }) =>
    answerFromDocuments(
      context,
      (documents, call) => documents.removeDocument(call, params.doc),
      () => null,
      { action: "delete", of: () => params.doc },
    ),
);

export const restoreDocument = defineRoute(
  "restoreDocument",
  { caller: "member", params: documentParams, status: 200, answer: document },
  (context, { params }) =>
    answerFromDocuments(context, (documents, call) => documents.restoreDocument(call, params.doc), documentView, {
      action: "write",
      of: () => params.doc,
    }),
);
