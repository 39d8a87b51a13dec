import { z } from "@hono/zod-openapi";
import { type DocumentId, type OrgId, parseId } from "../../../../core/ids.ts";
import { beginCeremony, takeCeremony } from "../../../../store/control/ceremonies.ts";
import { findSession, type LiveSession } from "../../../../store/control/sessions.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { looksLikeSecret, makeSecret } from "../../auth/secrets.ts";
import { fromPart } from "../../downstream.ts";
import { maySignInFromHere } from "../../geo/judge-person.ts";
import { askDocuments, documentRefusal } from "../../http/ask-documents.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { instant, opaqueSecret } from "../../http/schemas.ts";
import { audited } from "../../pipeline/audit.ts";
import { callAsUser } from "../../pipeline/call-as-user.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { decide } from "../../rbac/decide.ts";
import { attachment, stream } from "./content.ts";
import { documentParams } from "./schemas.ts";

/** A form is submitted right after; who reads the ticket later reads something that is over. */
const ticketMs = 60_000;

/**
 * A ticket for one download by a plain form, whose answer a browser saves as it comes: no script holds the bytes, no
 * secret is in an address, and no cookie is near what may be somebody's page.
 */
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
    const { services, person, scope } = context;
    // Whether it may be read is asked here for the answer's sake, and again when the ticket is shown.
    const found = await askDocuments(context, (documents, call) => documents.getDocument(call, params.doc));
    if (!found.ok) return documentRefusal(context, found);
    if (found.value.deletedAt !== null) return refuse("not_found");
    const ticket = makeSecret(services.randomBytes);
    const expiresAtMs = services.now() + ticketMs;
    await beginCeremony(services.database, context.write(), {
      tokenHash: sha256Hex(ticket),
      kind: "document",
      user: person.user,
      session: person.session,
      data: { org: scope.org, session: person.session, document: params.doc, version: body.version },
      expiresAtMs,
    });
    return answer({ ticket, action: `/content/${scope.org}`, expires_at: new Date(expiresAtMs).toISOString() });
  },
);

const held = z.object({
  org: z.string(),
  session: z.string(),
  document: z.string(),
  version: z.number().nullable(),
});

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
    const { services } = context;
    if (!looksLikeSecret(body.ticket)) return noSuchTicket;
    const key = { tokenHash: sha256Hex(body.ticket), kind: "document" } as const;
    // Whoever is first with it has it, whatever comes of it then.
    const taken = await takeCeremony(services.database, context.write(), key);
    if (taken === null || taken.user === null) return noSuchTicket;
    const parsed = held.parse(taken.data);
    const [org, session] = [parseId("org", parsed.org), parseId("session", parsed.session)];
    const document = parseId("document", parsed.document);
    if (org === null || session === null || document === null) throw new Error("a ticket holds no ids");
    const found = await findSession(services.database, { id: session, user: taken.user }, org, services.now());
    if (found === null || !(await mayStill(context, found, org))) return noSuchTicket;
    return send(context, found, { org, document, version: parsed.version });
  },
);

/** Everything that stood between the person and the document a minute ago stands there still. */
async function mayStill(context: RequestContext, { membership, person }: LiveSession, org: OrgId): Promise<boolean> {
  const reference = context.orgReference?.toLowerCase();
  if (membership === null || membership.org !== org || membership.state !== "active") return false;
  if (reference !== membership.org && reference !== membership.slug) return false;
  return decide(membership.role, "documents:read") === "allow" && maySignInFromHere(context, org, person.user);
}

async function send(
  context: RequestContext,
  { membership, person }: LiveSession,
  of: { readonly org: OrgId; readonly document: DocumentId; readonly version: number | null },
): Promise<HandlerResult<ReadableStream<Uint8Array>>> {
  const { services, requestId } = context;
  if (membership === null) throw new Error("a ticket's holder was judged without a membership");
  const subject = { user: person.user, session: person.session, scope: { org: of.org, role: membership.role } };
  const opened = await fromPart("documents", async () => {
    const call = await callAsUser(services, subject, "capabilities.documents", requestId);
    return services.documents.openContent(call, of.document, { version: of.version, range: null, ifRange: null });
  });
  if (!opened.ok) return noSuchTicket;
  // In the organisation's log, before the first byte; the request itself is in a platform's, like all that know nobody.
  const event = { type: "data_access", user_id: person.user, document_id: of.document, action: "read" } as const;
  try {
    await audited(async () => {
      const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", of.org, requestId);
      await services.audit.append(call, of.org, [event]);
    });
  } catch (error) {
    await opened.value.body.cancel().catch(() => undefined);
    throw error;
  }
  return attachment(opened.value, []);
}
