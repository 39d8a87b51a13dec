import { answerFromDocuments } from "../../http/ask-documents.ts";
import { defineRoute } from "../../http/define-route.ts";
import { nothing } from "../../http/schemas.ts";
import { document, documentView, partNumber, upload, uploadParams, uploadView } from "./schemas.ts";

export const getUpload = defineRoute(
  "getUpload",
  { caller: "member", params: uploadParams, status: 200, answer: upload },
  (context, { params }) =>
    answerFromDocuments(
      context,
      (documents, call) => documents.findUpload(call, params.doc, params.upload),
      uploadView,
    ),
);

export const putUploadPart = defineRoute(
  "putUploadPart",
  {
    caller: "member",
    params: uploadParams.extend({ part: partNumber }),
    status: 204,
    answer: nothing,
    inOneEvent:
      "nobody can read a part: it counts with the completion, which is intent and outcome. And it may come more slowly than an intent stays open",
  },
  (context, { params }) => {
    const place = { document: params.doc, upload: params.upload, part: params.part };
    return answerFromDocuments(
      context,
      (documents, call) => documents.putPart(call, place, context.bytes ?? noBytes()),
      () => null,
    );
  },
);

/** Of an empty document. */
const noBytes = (): ReadableStream<Uint8Array> =>
  new Response(new Uint8Array()).body ??
  new ReadableStream({ type: "bytes", start: (controller) => controller.close() });

export const completeUpload = defineRoute(
  "completeUpload",
  { caller: "member", params: uploadParams, status: 200, answer: document },
  (context, { params }) =>
    answerFromDocuments(
      context,
      (documents, call) => documents.completeUpload(call, params.doc, params.upload),
      documentView,
      { action: "write", of: ({ id }) => id },
    ),
);

export const cancelUpload = defineRoute(
  "cancelUpload",
  { caller: "member", params: uploadParams, status: 204, answer: nothing },
  (context, { params }) =>
    answerFromDocuments(
      context,
      (documents, call) => documents.cancelUpload(call, params.doc, params.upload),
      () => null,
      { action: "delete", of: () => params.doc },
    ),
);
