/** A log, what is put into it, the time that passes, and its newest checkpoint as a verifier sees it. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { verifyCheckpoint } from "../../../core/audit/checkpoint.ts";
import type { LogName } from "../../../core/audit/logs.ts";
import { parseNote, parseVerifier, type SignedNote, type Verifier } from "../../../core/audit/signed-note.ts";
import type { OrgId } from "../../../core/ids.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { checkpointDelayMs } from "../../../durable-objects/audit-log/published-log.ts";
import { sha256 } from "../../../durable-objects/sha256.ts";
import { entrypoints, login, newRequest, newUser, objects, passTime, userCall } from "./harness.ts";

export const logOf = (log: LogName): DurableObjectStub<AuditLog> =>
  objects.AUDIT_LOG.getByName(log) as unknown as DurableObjectStub<AuditLog>;
/** Straight into the object, in as few calls as there may be; the intake has its own tests. */
export async function append(log: LogName, count: number): Promise<void> {
  const events = Array.from({ length: count }, () => login(newUser()));
  await runInDurableObject(logOf(log), (instance: AuditLog) => instance.append(log, newRequest(), events));
}

/** Lets what is due be done. */
export async function wait(log: LogName, ms: number = checkpointDelayMs): Promise<void> {
  passTime(ms);
  await runDurableObjectAlarm(logOf(log));
}

export const readerCall = async (org: OrgId, role: Role = "owner") =>
  await userCall("durable-objects.audit-reader", org, newRequest(), newUser(), role);

/** The newest checkpoint as a verifier sees it: parsed, and believed only for its signature. */
export async function verified(org: OrgId) {
  const view = await entrypoints.AuditProofs.checkpoint(await readerCall(org));
  if (view === null) throw new Error("no checkpoint");
  const keys = view.keys.map((key) => parseVerifier(key, sha256) as Verifier);
  const head = await verifyCheckpoint(parseNote(view.note) as SignedNote, keys, sha256);
  if (head === null) throw new Error("nobody signed it");
  return { ...head, view, keys };
}

/** As somebody who holds the object's storage. */
export const change = (log: LogName, query: string, ...values: (string | number)[]) =>
  runInDurableObject(logOf(log), (_: AuditLog, state) => void state.storage.sql.exec(query, ...values));
