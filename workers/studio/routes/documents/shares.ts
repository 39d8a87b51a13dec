import { z } from "@hono/zod-openapi";
import { parseId } from "../../../../core/ids.ts";
import { grantedRoles, granteeKinds, type Share } from "../../../../core/rpc/documents.ts";
import { currentStanding } from "../../../../store/control/members.ts";
import { answerFromDocuments } from "../../http/ask-documents.ts";
import { defineRoute } from "../../http/define-route.ts";
import { refuse } from "../../http/result.ts";
import { idOf, idText, instant, nothing } from "../../http/schemas.ts";
import { documentParams } from "./schemas.ts";

const share = z.object({
  id: idText,
  kind: z.enum(granteeKinds),
  /** Id of a person or a group, or the role. */
  grantee: z.string(),
  until: instant.nullable(),
  created_by: idText,
  created_at: instant,
});

function shareView({ id, kind, grantee, until, createdBy, createdAt }: Share): z.input<typeof share> {
  return { id, kind, grantee, until, created_by: createdBy, created_at: createdAt };
}

const until = z.iso.datetime().nullable().default(null);
const wanted = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("user"), grantee: idOf("user"), until }),
  z.strictObject({ kind: z.literal("group"), grantee: idOf("group"), until }),
  z.strictObject({ kind: z.literal("role"), grantee: z.enum(grantedRoles), until }),
]);

/** Who is a member only the control plane knows; the tenant's schema takes its word. */
export const addDocumentShare = defineRoute(
  "addDocumentShare",
  { caller: "member", params: documentParams, body: wanted, status: 201, answer: share },
  async (context, { params, body }) => {
    const { services, scope } = context;
    if (body.until !== null && Date.parse(body.until) <= services.now())
      return refuse("invalid_request", { errors: [{ path: "until", message: "must lie ahead" }] });
    const user = body.kind === "user" ? parseId("user", body.grantee) : null;
    if (user !== null && !(await currentStanding(services.database, scope, user)).member) return refuse("not_found");
    return answerFromDocuments(context, (documents, call) => documents.addShare(call, params.doc, body), shareView, {
      action: "write",
      of: () => params.doc,
    });
  },
);

export const listDocumentShares = defineRoute(
  "listDocumentShares",
  { caller: "member", params: documentParams, status: 200, answer: z.object({ items: z.array(share) }) },
  (context, { params }) =>
    answerFromDocuments(
      context,
      (documents, call) => documents.listShares(call, params.doc),
      (shares) => ({ items: shares.map(shareView) }),
      { action: "read", of: () => params.doc },
    ),
);

export const removeDocumentShare = defineRoute(
  "removeDocumentShare",
  { caller: "member", params: documentParams.extend({ share: idOf("share") }), status: 204, answer: nothing },
  (context, { params }) =>
    answerFromDocuments(
      context,
      (documents, call) => documents.removeShare(call, params.doc, params.share),
      () => null,
      { action: "write", of: () => params.doc },
    ),
);
