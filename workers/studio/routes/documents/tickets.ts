import { z } from "@hono/zod-openapi";
import { parseId } from "../../../../core/ids.ts";
import { issueTicket, recordDownload, redeemTicket } from "../../downloads/tickets.ts";
import { fromPart } from "../../downstream.ts";
import { askDocuments, documentRefusal } from "../../http/ask-documents.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { instant, opaqueSecret } from "../../http/schemas.ts";
import { callAsUser } from "../../pipeline/call-as-user.ts";
import { decide } from "../../rbac/decide.ts";
import { attachment, stream } from "./content.ts";
import { documentParams } from "./schemas.ts";

/** A form is submitted right after; who reads the ticket later reads something that is over. */
const ticketMs = 60_000;

export const createDocumentTicket = defineRoute(
  "createDocumentTicket",
  {
    caller: "member",
    params: documentParams,
    body: z.strictObject({ version: z.int().min(1).max(1_000_000).nullable().default(null) }),
    status: 201,
    answer: z.object({ ticket: z.string(), action: z.string(), expires_at: instant }),
  },
  async (context, { params, body }) => {
    // Whether it may be read is asked here for the answer's sake, and again when the ticket is shown.
    const found = await askDocuments(context, (documents, call) => documents.getDocument(call, params.doc));
    if (!found.ok) return documentRefusal(context, found);
    if (found.value.deletedAt !== null) return refuse("not_found");
    const of = { document: params.doc, version: body.version };
    const { ticket, expires_at } = await issueTicket(context, "document", of, ticketMs);
    return answer({ ticket, action: `/content/${context.scope.org}`, expires_at });
  },
);

const held = z.object({ document: z.string(), version: z.number().nullable() });

/** What was never a ticket, is over, was shown before, or is for another organisation: all the same. */
const noSuchTicket = refuse("not_found");

export const redeemDocumentTicket = defineRoute(
  "redeemDocumentTicket",
  {
    caller: "anyone",
    body: z.strictObject({ ticket: opaqueSecret }),
    status: 200,
    media: "application/octet-stream",
    answer: stream,
  },
  async (context, { body }) => {
    const { services, requestId } = context;
    const redeemed = await redeemTicket(context, "document", body.ticket, held);
    // Everything that stood between the person and the document a minute ago stands there still.
    if (redeemed === null || decide(redeemed.holder.scope.role, "documents:read") !== "allow") return noSuchTicket;
    const { holder, of } = redeemed;
    const document = parseId("document", of.document);
    if (document === null) throw new Error("a ticket holds no ids");
    const opened = await fromPart("documents", async () => {
      const call = await callAsUser(services, holder, "capabilities.documents", requestId);
      return services.documents.openContent(call, document, { version: of.version, range: null, ifRange: null });
    });
    if (!opened.ok) return noSuchTicket;
    const event = { type: "data_access", user_id: holder.user, document_id: document, action: "read" } as const;
    await recordDownload(context, holder.scope.org, event, opened.value.body);
    return attachment(opened.value, []);
  },
);
