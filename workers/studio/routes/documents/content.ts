import { z } from "@hono/zod-openapi";
import { parseRange } from "../../../../core/byte-range.ts";
import type { Content } from "../../../../core/rpc/documents.ts";
import { askDocuments, documentAccess, documentRefusal } from "../../http/ask-documents.ts";
import { defineRoute } from "../../http/define-route.ts";
import { type Answer, type AnswerHeaders, answer, refuse } from "../../http/result.ts";
import { documentParams, versionNumber } from "./schemas.ts";

const media = "application/octet-stream";
/** The body of an answer that is handed on as it comes. */
export const stream = z
  .custom<ReadableStream<Uint8Array>>((value) => value instanceof ReadableStream)
  .openapi({ type: "string", format: "binary" });

/**
 * What may be somebody's page is answered to no cookie: a browser shows a ticket where cookies are not looked at. So no
 * link in a mail saves a document either, by the cookie of whoever follows it and on record as their reading.
 */
export const askForTicket = refuse("forbidden", { detail: "A session's cookie gets no bytes: ask for a ticket" });

export const getDocumentContent = defineRoute(
  "getDocumentContent",
  {
    caller: "member",
    params: documentParams,
    query: z.strictObject({ version: versionNumber.optional() }),
    status: 200,
    media,
    answer: stream,
  },
  async (context, { params, query }) => {
    if (context.credential === "cookie") return askForTicket;
    const { wanted, onlyOf } = context.range;
    const asked = { version: query.version ?? null, range: parseRange(wanted), ifRange: onlyOf };
    const opened = await askDocuments(context, (documents, call) => documents.openContent(call, params.doc, asked));
    if (!opened.ok) return documentRefusal(context, opened);
    return attachment(opened.value, [documentAccess(context, params.doc, "read")]);
  },
);

/**
 * An opened document as an answer: something to be saved, whatever it is. What a browser would run is not even said to
 * be what it is. The edge adds that nothing is sniffed and that no page comes of it (`nosniff`, `sandbox`).
 */
export function attachment(
  { name, version, entityTag, range, body }: Content,
  alongside: NonNullable<Answer<unknown>["alongside"]>,
): Answer<ReadableStream<Uint8Array>> {
  const headers: AnswerHeaders = {
    "Accept-Ranges": "bytes",
    "Content-Disposition": disposition(name),
    "Content-Type": version.active ? media : version.mediaType,
    ETag: entityTag,
    ...(range === null ? {} : { "Content-Range": `bytes ${range.first}-${range.last}/${version.sizeBytes}` }),
  };
  return { ...answer(body, { headers, alongside }), ...(range === null ? {} : { status: 206 }) };
}

/** RFC 6266 with RFC 8187: the name as it is, and one in ASCII for who knows no better. */
function disposition(name: string): string {
  const ascii = name.replaceAll(/[^ !#$&+.0-9A-Z^_a-z~-]/g, "_");
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
