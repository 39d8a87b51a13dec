import { stepUpRows } from "../../../../core/exports/approval.ts";
import type { ExportDestination } from "../../../../core/exports/destination.ts";
import type { ExportSpec } from "../../../../core/exports/job.ts";
import { sourcePermissions } from "../../../../core/exports/job.ts";
import type { ExportDestinationId } from "../../../../core/ids.ts";
import { findDestination } from "../../../../store/control/export-destinations.ts";
import { readApprovalRows } from "../../../../store/control/export-settings.ts";
import { addExport } from "../../../../store/control/exports.ts";
import { stepUpDue, stepUpRefusal } from "../../auth/step-up.ts";
import { fromPart } from "../../downstream.ts";
import { askForApproval } from "../../exports/approval.ts";
import { enqueueExport } from "../../exports/enqueue.ts";
import { exportEvent } from "../../exports/event.ts";
import { pinOf } from "../../exports/pin.ts";
import { askExports, exportsRefusal } from "../../http/ask-exports.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { decide } from "../../rbac/decide.ts";
import { exportAnswer, exportView, specOf, wanted } from "./schemas.ts";

/** Whoever may set where data leaves for may send some there. */
const managesDestinations = "policies:manage";

/**
 * Asks for an export. It is made by the queue, so that closing the page does not stop it, as whoever asked sees the
 * rows: in their role, and only while they hold it.
 */
export const createExport = defineRoute(
  "createExport",
  { caller: "member", body: wanted, status: 202, answer: exportAnswer },
  async (context, { body }) => {
    const { services, scope, person, membership } = context;
    if (decide(membership.role, sourcePermissions[body.source]) !== "allow") return refuse("forbidden");
    const spec = specOf(body);
    if (spec === null) return refuse("invalid_request", { errors: [{ path: "to", message: "must lie behind from" }] });
    const destination = await destinationFor(context, body.destination);
    if (destination === null)
      return refuse("invalid_request", { errors: [{ path: "destination", message: "is none" }] });
    if (destination.kind !== "download" && decide(membership.role, managesDestinations) !== "allow")
      return refuse("forbidden");
    const id = services.makeId("export");
    const prepared = await askExports(context, (exports, call) => exports.prepare(call, spec, id));
    if (!prepared.ok) return exportsRefusal(prepared);
    const { bytesExpected, wrappedKey } = prepared.value;
    const rowsExpected = spec.source === "audit" ? await auditRows(context, spec) : prepared.value.rowsExpected;
    // A program has nobody who could prove anything.
    if (rowsExpected > stepUpRows && person.kind === "api_key") return refuse("forbidden");
    if (rowsExpected > stepUpRows && stepUpDue(person, services.now())) return stepUpRefusal();
    const waits = rowsExpected > (await readApprovalRows(services.database, scope));
    const made = await addExport(services.database, context.write(), scope, {
      id,
      requestedBy: person.user,
      requestedRole: membership.role,
      spec,
      // Whoever agrees to it agrees to where it leads now.
      destination: waits || destination.kind === "download" ? destination : { ...destination, pin: null },
      rowsExpected,
      bytesExpected,
      wrappedKey,
      state: waits ? "waiting_approval" : "queued",
    });
    if (made === null) return refuse("conflict", { detail: "As many exports as may be are under way already" });
    context.caused([exportEvent({ by: person.user, id, spec, destination })]);
    if (waits) askForApproval(context, made);
    else await enqueueExport(services, id);
    return answer(exportView(made));
  },
);

/** Null: the organisation has none of that id. */
async function destinationFor(
  { services, scope }: MemberContext,
  id: ExportDestinationId | null,
): Promise<ExportDestination | null> {
  if (id === null) return { kind: "download" };
  const found = await findDestination(services.database, scope, id);
  return found === null ? null : { kind: found.settings.kind, id, pin: pinOf(found.settings) };
}

/** At most so many: the number of the newest entry in the time that is asked for. */
async function auditRows({ services, asUser }: MemberContext, { fromMs, toMs }: ExportSpec): Promise<number> {
  const page = { type: null, actor: null, fromMs, toMs, beforeSeq: null, limit: 1 };
  const { items } = await fromPart("audit reader", async () =>
    services.auditReader.list(await asUser("durable-objects.audit-reader"), page),
  );
  return items[0]?.seq ?? 0;
}
