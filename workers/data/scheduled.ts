import type { OrgScope } from "../../store/control/org-scope.ts";
import { openMonths } from "./audit-sink/open-months.ts";
import { rotatePasswords, scheduledRotation } from "./credentials/rotation.ts";
import { failureOf, logEvent } from "./log.ts";
import { dropLeft } from "./provisioner/moving/drop-left.ts";
import { checkRights } from "./provisioner/rights/check.ts";
import { dueOrganisations, recordVisit } from "./telemetry-jobs/due.ts";
import { tendTelemetry } from "./telemetry-jobs/tend.ts";
import type { DataUnit } from "./unit.ts";

/** A run ends before the next one begins (every five minutes). */
const runMsMax = 4 * 60_000;
/** Visits of one run: some six subrequests each, of the 10,000 that a Worker has. */
const visitsMax = 1_000;

export interface RunLimits {
  readonly runMs: number;
  readonly visits: number;
}

/**
 * What the clock asks for: roles whose password is due get another, rights that were thrown away come back, what
 * moves left behind goes, a bounded number of each in a run; the audit table's months are open before they come; then
 * telemetry. None waits for another to succeed.
 */
export async function runScheduled(unit: DataUnit, limits?: RunLimits): Promise<void> {
  const endsAt = unit.now() + (limits?.runMs ?? runMsMax);
  for (const part of [rotateDue, restoreRights, dropLeftBehind, openAuditMonths])
    await part(unit).catch((error: unknown) => logEvent(failureOf("scheduled", error)));
  await tendEverybody(unit, { runMs: endsAt - unit.now(), visits: limits?.visits ?? visitsMax });
}

async function rotateDue(unit: DataUnit): Promise<void> {
  const { rotated, failed } = await rotatePasswords(unit.config, unit.directory, scheduledRotation, unit.now);
  if (rotated > 0) logEvent({ event: "passwords_rotated", count: rotated });
  for (const { org, reason } of failed) logEvent({ event: "rotation_failed", org, reason });
}

async function restoreRights(unit: DataUnit): Promise<void> {
  const { repaired, failed } = await checkRights(unit.config, unit.directory);
  for (const { org, drift, left, closed } of repaired) {
    logEvent({ event: left ? "tenant_not_repaired" : "tenant_repaired", org, drift });
    if (closed) logEvent({ event: "tenant_closed", org });
  }
  for (const { error } of failed) logEvent(failureOf("scheduled", error));
}

async function dropLeftBehind(unit: DataUnit): Promise<void> {
  const { dropped, failed } = await dropLeft(unit.config, unit.directory);
  for (const org of dropped) logEvent({ event: "old_placement_dropped", org });
  for (const { error } of failed) logEvent(failureOf("scheduled", error));
}

async function openAuditMonths(unit: DataUnit): Promise<void> {
  const { opened, moved, failed } = await openMonths(unit.config);
  if (opened + moved > 0) logEvent({ event: "audit_months_opened", opened, moved });
  for (const error of failed) logEvent(failureOf("scheduled", error));
}

/**
 * Telemetry is moved, swept, rolled up and dropped, organisation after
 * organisation, the longest unattended first. Who has more than one visit's work comes again when
 * everybody was visited. One that fails is logged, and comes again as late as any other.
 */
async function tendEverybody(unit: DataUnit, { runMs, visits }: RunLimits): Promise<void> {
  const endsAt = unit.now() + runMs;
  const queue = await dueOrganisations(unit.directory, [...unit.config.placements.keys()], visits);
  for (let visit = 0; visit < visits && unit.now() < endsAt; visit += 1) {
    const next = queue.shift();
    if (next === undefined) return;
    if (await visitOne(unit, next)) queue.push(next);
  }
}

/** @returns whether there is more to do */
async function visitOne(unit: DataUnit, scope: OrgScope): Promise<boolean> {
  let more = false;
  try {
    ({ more } = await tendTelemetry(unit, scope));
  } catch (error) {
    logEvent(failureOf("scheduled", error));
  }
  await recordVisit(unit.directory, scope);
  return more;
}
