import { z } from "@hono/zod-openapi";
import { exportFileName, exportTicketMs, mediaTypes, sourcePermissions } from "../../../../core/exports/job.ts";
import { type ExportId, parseId, type UserId } from "../../../../core/ids.ts";
import { findResult } from "../../../../store/control/exports.ts";
import type { OrgScope } from "../../../../store/control/org-scope.ts";
import { unfinishedScope } from "../../../../store/control/scope-makers.ts";
import { issueTicket, recordDownload, redeemTicket } from "../../downloads/tickets.ts";
import { fromPart } from "../../downstream.ts";
import { exportEvent } from "../../exports/event.ts";
import { askExports, exportsRefusal } from "../../http/ask-exports.ts";
import { defineRoute } from "../../http/define-route.ts";
import { type AnswerHeaders, answer, refuse } from "../../http/result.ts";
import { instant, opaqueSecret } from "../../http/schemas.ts";
import { callAsUser } from "../../pipeline/call-as-user.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { decide } from "../../rbac/decide.ts";
import { askForTicket, stream } from "../documents/content.ts";
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

const orderOf = ({ id, spec, wrappedKey, requestedBy, requestedRole, parts }: Result) => ({
  export: id,
  spec,
  wrappedKey,
  requestedBy,
  requestedRole,
  parts,
});

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
    if (context.credential === "cookie") return askForTicket;
    const { scope, person, membership } = context;
    const found = await resultFor(context, scope, params.export_id, { user: person.user, role: membership.role });
    if (found === null) return refuse("not_found");
    const opened = await askExports(context, (exports, call) => exports.open(call, orderOf(found)));
    if (!opened.ok) return exportsRefusal(opened);
    return answer(opened.value, { headers: headersOf(found), alongside: [eventOf(found)] });
  },
);

export const createExportTicket = defineRoute(
  "createExportTicket",
  {
    caller: "member",
    params: exportParams,
    status: 201,
    answer: z.object({ ticket: z.string(), action: z.string(), expires_at: instant }),
  },
  async (context, { params }) => {
    const { person, scope, membership } = context;
    const found = await resultFor(context, scope, params.export_id, { user: person.user, role: membership.role });
    if (found === null) return refuse("not_found");
    const { ticket, expires_at } = await issueTicket(context, "export", { export: params.export_id }, exportTicketMs);
    return answer({ ticket, action: `/content/${scope.org}/exports`, expires_at });
  },
);

const held = z.object({ export: z.string() });
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
    const { services, requestId } = context;
    const redeemed = await redeemTicket(context, "export", body.ticket, held);
    if (redeemed === null) return noSuchTicket;
    const { holder, of } = redeemed;
    const id = parseId("export", of.export);
    if (id === null) throw new Error("a ticket holds no ids");
    const { org, role } = holder.scope;
    const found = await resultFor(context, unfinishedScope(org), id, { user: holder.user, role });
    if (found === null) return noSuchTicket;
    const opened = await fromPart("exports", async () =>
      services.exports.open(await callAsUser(services, holder, "capabilities.exports", requestId), orderOf(found)),
    );
    if (!opened.ok) return noSuchTicket;
    await recordDownload(context, org, eventOf(found), opened.value);
    return answer(opened.value, { headers: headersOf(found) });
  },
);
