import { z } from "@hono/zod-openapi";
import { exportFileName, exportTicketMs, mediaTypes, sourcePermissions } from "../../../../core/exports/job.ts";
import { type ExportId, type OrgId, parseId, type UserId } from "../../../../core/ids.ts";
import { beginCeremony, takeCeremony } from "../../../../store/control/ceremonies.ts";
import { findResult } from "../../../../store/control/exports.ts";
import type { OrgScope } from "../../../../store/control/org-scope.ts";
import { unfinishedScope } from "../../../../store/control/scope-makers.ts";
import { findSession, type LiveSession } from "../../../../store/control/sessions.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { looksLikeSecret, makeSecret } from "../../auth/secrets.ts";
import { fromPart } from "../../downstream.ts";
import { exportEvent } from "../../exports/event.ts";
import { maySignInFromHere } from "../../geo/judge-person.ts";
import { askExports, exportsRefusal } from "../../http/ask-exports.ts";
import { defineRoute } from "../../http/define-route.ts";
import { type AnswerHeaders, answer, type HandlerResult, refuse } from "../../http/result.ts";
import { instant, opaqueSecret } from "../../http/schemas.ts";
import { audited } from "../../pipeline/audit.ts";
import { callAsUser } from "../../pipeline/call-as-user.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { decide } from "../../rbac/decide.ts";
import { stream } from "../documents/content.ts";
import { exportParams } from "./schemas.ts";

type Result = NonNullable<Awaited<ReturnType<typeof findResult>>>;

/**
 * One's own, whole and not expired; and in the role in which one asked: in another it is no longer what one would see.
 */
async function resultFor(
  { services }: Pick<RequestContext, "services">,
  scope: OrgScope,
  id: ExportId,
  { user, role }: { readonly user: UserId; readonly role: Result["requestedRole"] },
): Promise<Result | null> {
  const found = await findResult(services.database, scope, id, user, services.now());
  const may = found !== null && found.requestedRole === role && mayExport(role, found);
  return may ? found : null;
}

const mayExport = (role: Result["requestedRole"], { spec }: Result): boolean =>
  decide(role, "exports:read") === "allow" && decide(role, sourcePermissions[spec.source]) === "allow";

const orderOf = ({ id, spec, wrappedKey, parts }: Result) => ({ export: id, spec, wrappedKey, parts });

const headersOf = ({ id, spec, createdAt }: Result): AnswerHeaders => ({
  "Content-Type": mediaTypes[spec.format],
  // Of characters that need no quoting.
  "Content-Disposition": `attachment; filename="${exportFileName(id, spec, createdAt)}"`,
});

const eventOf = ({ requestedBy, id, spec }: Result) =>
  exportEvent({ by: requestedBy, id, spec, destination: { kind: "download" } });

export const downloadExport = defineRoute(
  "downloadExport",
  { caller: "member", params: exportParams, status: 200, media: "application/octet-stream", answer: stream },
  async (context, { params }) => {
    const { scope, person, membership } = context;
    const found = await resultFor(context, scope, params.export_id, { user: person.user, role: membership.role });
    if (found === null) return refuse("not_found");
    const opened = await askExports(context, (exports, call) => exports.open(call, orderOf(found)));
    if (!opened.ok) return exportsRefusal(opened);
    return answer(opened.value, { headers: headersOf(found), alongside: [eventOf(found)] });
  },
);

/** For one download by a plain form: no script holds the bytes, and no secret is in an address. */
export const createExportTicket = defineRoute(
  "createExportTicket",
  {
    caller: "member",
    params: exportParams,
    status: 201,
    answer: z.object({ ticket: z.string(), action: z.string(), expires_at: instant }),
  },
  async (context, { params }) => {
    const { services, person, scope, membership } = context;
    const found = await resultFor(context, scope, params.export_id, { user: person.user, role: membership.role });
    if (found === null) return refuse("not_found");
    const ticket = makeSecret(services.randomBytes);
    const expiresAtMs = services.now() + exportTicketMs;
    await beginCeremony(services.database, context.write(), {
      tokenHash: sha256Hex(ticket),
      kind: "export",
      user: person.user,
      session: person.session,
      data: { org: scope.org, session: person.session, export: params.export_id },
      expiresAtMs,
    });
    const expires_at = new Date(expiresAtMs).toISOString();
    return answer({ ticket, action: `/content/${scope.org}/exports`, expires_at });
  },
);

const held = z.object({ org: z.string(), session: z.string(), export: z.string() });
/** What was never a ticket, is over, was shown before, or is for another organisation: all the same. */
const noSuchTicket = refuse("not_found");

export const redeemExportTicket = defineRoute(
  "redeemExportTicket",
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
    // Whoever is first with it has it, whatever comes of it then.
    const key = { tokenHash: sha256Hex(body.ticket), kind: "export" } as const;
    const taken = await takeCeremony(services.database, context.write(), key);
    if (taken === null || taken.user === null) return noSuchTicket;
    const parsed = held.parse(taken.data);
    const [org, session, id] = [
      parseId("org", parsed.org),
      parseId("session", parsed.session),
      parseId("export", parsed.export),
    ];
    if (org === null || session === null || id === null) throw new Error("a ticket holds no ids");
    const found = await findSession(services.database, { id: session, user: taken.user }, org, services.now());
    if (found === null || !(await isHere(context, found, org))) return noSuchTicket;
    return send(context, found, org, id);
  },
);

/** Their session lives, in this organisation, from where they may sign in. */
async function isHere(context: RequestContext, { membership, person }: LiveSession, org: OrgId): Promise<boolean> {
  const reference = context.orgReference?.toLowerCase();
  if (membership === null || membership.org !== org || membership.state !== "active") return false;
  if (reference !== membership.org && reference !== membership.slug) return false;
  return maySignInFromHere(context, org, person.user);
}

async function send(
  context: RequestContext,
  { membership, person }: LiveSession,
  org: OrgId,
  id: ExportId,
): Promise<HandlerResult<ReadableStream<Uint8Array>>> {
  const { services, requestId } = context;
  if (membership === null) throw new Error("a ticket's holder was judged without a membership");
  const { role } = membership;
  const found = await resultFor(context, unfinishedScope(org), id, { user: person.user, role });
  if (found === null) return noSuchTicket;
  const subject = { user: person.user, session: person.session, scope: { org, role } };
  const opened = await fromPart("exports", async () =>
    services.exports.open(await callAsUser(services, subject, "capabilities.exports", requestId), orderOf(found)),
  );
  if (!opened.ok) return noSuchTicket;
  // In the organisation's log, before the first byte; the request itself is in a platform's, like all that know nobody.
  try {
    await audited(async () => {
      const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
      await services.audit.append(call, org, [eventOf(found)]);
    });
  } catch (error) {
    await opened.value.cancel().catch(() => undefined);
    throw error;
  }
  return answer(opened.value, { headers: headersOf(found) });
}
