import type { AuditFields } from "../../../core/audit/events.ts";
import { mayPass } from "../../../core/exports/destination.ts";
import { type ExportFailure, readerRoleOf, rowsMaxOf, sourcePermissions } from "../../../core/exports/job.ts";
import type { ExportId, RequestId } from "../../../core/ids.ts";
import type { ExportOrder, ExportsResult } from "../../../core/rpc/exports.ts";
import { findDestination } from "../../../store/control/export-destinations.ts";
import {
  type ClaimedExport,
  claimExport,
  failExport,
  finishExport,
  noteDelivering,
  noteSheet,
  noteStep,
  releaseExport,
  renewClaim,
  triesMax,
} from "../../../store/control/export-runs.ts";
import { audited } from "../pipeline/audit.ts";
import { decide } from "../rbac/decide.ts";
import type { Services } from "../services.ts";
import { enqueueExport } from "./enqueue.ts";
import { exportEvent } from "./event.ts";
import { leadsWhereItDid } from "./pin.ts";

/** No step is begun later than this in one turn: others wait in the queue too, and a turn is short enough to lose. */
export const turnMsMax = 45_000;
/** Entries that the log hands out at once. */
const auditEntriesAtOnce = 100;
/** Waits between two tries at something that may pass, in seconds: the first soon, the last after half an hour. */
const waitSecondsMax = 1_800;
const waitSeconds = (tries: number): number => Math.min(waitSecondsMax, 10 * 2 ** Math.min(tries, 8));

/**
 * One turn of an export: step after step until it is over or the turn is. Each step is sealed into the bucket first and
 * counts with the row that says so, so a death at any point repeats a step whose rows are nobody's yet: none is in
 * the result twice, and none is missing. Whoever asked for it is judged before each.
 */
export async function runExport(services: Services, id: ExportId): Promise<void> {
  const endsAtMs = services.now() + turnMsMax;
  let claimed = await claimExport(services.database, id);
  while (claimed !== null) {
    if (!mayStill(claimed)) return await fail(services, claimed, "access_lost");
    // There were fewer when it was asked for.
    if (claimed.rows > rowsMaxOf(claimed.spec.format)) return await fail(services, claimed, "too_large");
    if (services.now() >= endsAtMs) {
      await releaseExport(services.database, claimed, 0);
      return await enqueueExport(services, id);
    }
    claimed = await goOn(services, claimed);
  }
}

/** They are a member in the role in which they asked, and it may read this. */
const mayStill = ({ roleNow, requestedRole, spec }: ClaimedExport): boolean =>
  roleNow === requestedRole &&
  decide(roleNow, sourcePermissions[spec.source]) === "allow" &&
  decide(roleNow, "exports:make") === "allow";

/** The next thing to be done. @returns null: it is over, or nobody's until later */
async function goOn(services: Services, claimed: ClaimedExport): Promise<ClaimedExport | null> {
  switch (claimed.stage) {
    case "rows": {
      const done = await takeStep(services, claimed);
      return done.ok ? noteStep(services.database, claimed, done.value) : refused(services, claimed, done);
    }
    case "sheet": {
      const done = await services.exports.assemble(await callOf(services, claimed), {
        ...orderOf(claimed),
        parts: claimed.parts,
        onProgress: () => isWanted(services, claimed),
      });
      return done.ok ? noteSheet(services.database, claimed, done.value) : refused(services, claimed, done);
    }
    case "whole":
      await end(services, claimed);
      return null;
  }
}

/** It is still this turn's, and whoever asked for it may still have it; its time begins anew. */
async function isWanted(services: Services, claimed: ClaimedExport, bytes: number | null = null): Promise<boolean> {
  const now = await renewClaim(services.database, claimed, bytes);
  return now !== null && mayStill(now);
}

async function takeStep(services: Services, claimed: ClaimedExport) {
  const { caller, auditReader, exports } = services;
  const { scope, requestedBy, requestedRole, spec } = claimed;
  return exports.step(await callOf(services, claimed), {
    ...orderOf(claimed),
    reader: { user: requestedBy, role: readerRoleOf(requestedRole) },
    asOfMs: Date.parse(claimed.createdAt),
    part: claimed.parts.length + 1,
    before: claimed.parts.at(-1)?.object ?? null,
    cursor: claimed.cursor,
    // Of any other source, nothing of the log is handed out.
    readAudit: async (after) => {
      if (spec.source !== "audit") return [];
      const call = await caller.asJob(
        "durable-objects.audit-reader",
        "audit_stream",
        scope.org,
        services.makeId("request"),
      );
      return auditReader.following(call, after, auditEntriesAtOnce);
    },
    // As somebody's own reading is, before the first byte of it.
    noteReading: async (document) => {
      if (!(await isWanted(services, claimed))) return false;
      await record(services, claimed, {
        type: "data_access",
        user_id: requestedBy,
        document_id: document,
        action: "read",
      });
      return true;
    },
    isWanted: (bytes) => isWanted(services, claimed, bytes),
  });
}

const orderOf = ({ id, spec, wrappedKey, requestedBy, requestedRole }: ClaimedExport): ExportOrder => ({
  export: id,
  spec,
  wrappedKey,
  requestedBy,
  requestedRole,
});

const callOf = (services: Services, { scope }: ClaimedExport) =>
  services.caller.asJob("capabilities.exports", "run_exports", scope.org, services.makeId("request"));

/** A key that is away may come back; everything else is how it ends. */
async function refused(
  services: Services,
  claimed: ClaimedExport,
  { code }: Extract<ExportsResult<unknown>, { readonly ok: false }>,
): Promise<null> {
  if (code === "key_unavailable" && claimed.tries < triesMax)
    await releaseExport(services.database, claimed, waitSeconds(claimed.tries));
  // `not_found`: somebody else has it, or it was cancelled; then there is nothing to end.
  else if (code !== "not_found")
    await fail(services, claimed, code === "key_unavailable" || code === "too_large" ? code : "gave_up");
  return null;
}

/** It is whole: kept for whoever asked, or taken to where it goes. It is on record before it leaves. */
async function end(services: Services, claimed: ClaimedExport): Promise<void> {
  const { destination } = claimed;
  if (destination.kind === "download") {
    await finishExport(services.database, claimed, null);
    return;
  }
  const delivering = await noteDelivering(services.database, claimed);
  if (delivering === null) return;
  const { id, spec, createdAt, parts, rows } = delivering;
  const target = await findDestination(services.database, delivering.scope, destination.id);
  if (target !== null && !leadsWhereItDid(destination, target.settings))
    return await fail(services, delivering, "destination_changed");
  await record(services, delivering, exportEvent({ by: delivering.requestedBy, id, spec, destination }));
  const outcome = await services.exports.deliver(await callOf(services, delivering), {
    ...orderOf(delivering),
    parts,
    rows,
    createdAt,
    target,
    onProgress: () => isWanted(services, delivering),
  });
  if (outcome.ok) await finishExport(services.database, delivering, outcome.place.slice(0, placeCharactersMax));
  // Whoever has it now ends it: the turn that took it over, or the clock's next one.
  else if (outcome.code === "claim_lost") return;
  else if (mayPass(outcome.code) && delivering.tries < triesMax)
    await releaseExport(services.database, delivering, waitSeconds(delivering.tries));
  else await fail(services, delivering, "delivery_failed");
}

/** Of the row's column. */
const placeCharactersMax = 512;

async function fail(services: Services, claimed: ClaimedExport, failure: ExportFailure): Promise<void> {
  await failExport(services.database, claimed, failure);
}

/** In the organisation's own log. @throws AuditUnavailable: then nothing leaves */
async function record(services: Services, { scope: { org } }: ClaimedExport, event: AuditFields): Promise<void> {
  const requestId: RequestId = services.makeId("request");
  await audited(async () => {
    const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
    await services.audit.append(call, org, [event]);
  });
}
