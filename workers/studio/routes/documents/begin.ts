import { z } from "@hono/zod-openapi";
import { answerFromDocuments, storageRoom } from "../../http/ask-documents.ts";
import { defineRoute } from "../../http/define-route.ts";
import { refuse } from "../../http/result.ts";
import { announced, documentName, documentParams, upload, uploadView } from "./schemas.ts";

const begun = {
  action: "write",
  of: ({ document }: { document: Parameters<typeof uploadView>[0]["document"] }) => document,
} as const;

/** The document is there once its first upload is complete. */
export const createDocument = defineRoute(
  "createDocument",
  { caller: "member", body: z.strictObject({ name: documentName, ...announced }), status: 201, answer: upload },
  async (context, { body }) => {
    const wanted = { document: null, name: body.name, sizeBytes: body.size_bytes, declaredType: body.type };
    const { bytesMax, restricted } = await storageRoom(context);
    if (restricted) return refuse("payment_overdue");
    return answerFromDocuments(
      context,
      (documents, call) => documents.beginUpload(call, { ...wanted, storageBytesMax: bytesMax }),
      uploadView,
      begun,
    );
  },
);

export const createDocumentVersion = defineRoute(
  "createDocumentVersion",
  { caller: "member", params: documentParams, body: z.strictObject(announced), status: 201, answer: upload },
  async (context, { params, body }) => {
    const wanted = { document: params.doc, name: "", sizeBytes: body.size_bytes, declaredType: body.type };
    const { bytesMax, restricted } = await storageRoom(context);
    if (restricted) return refuse("payment_overdue");
    return answerFromDocuments(
      context,
      (documents, call) => documents.beginUpload(call, { ...wanted, storageBytesMax: bytesMax }),
      uploadView,
      begun,
    );
  },
);
