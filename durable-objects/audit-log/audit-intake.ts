import { WorkerEntrypoint } from "cloudflare:workers";
import type { AuditFields, AuditType } from "../../core/audit/events.ts";
import { type LogName, orgOfLog, parseLogName, platformLog, platformLogs } from "../../core/audit/logs.ts";
import { parseAuditFields } from "../../core/audit/parse.ts";
import { type OrgId, parseId, type UserId } from "../../core/ids.ts";
import type { SignedCall, VerifiedCall } from "../../core/mesh/claims.ts";
import { CallRefused } from "../../core/mesh/refused.ts";
import type { Job } from "../../core/mesh/workloads.ts";
import type { Appended, AuditIntakeRpc, IntentHandle } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { verifyInward } from "../mesh.ts";

/** Work without a user that writes entries. */
const writingJobs: readonly Job[] = ["anonymous_request", "enroll", "provision"];

/** Events in one call; one request causes a handful. */
const eventsMax = 32;

/**
 * Writing the log, for studio and capabilities. A call for an organisation writes to that
 * organisation's log or to its request's platform log, and to no other. Throws when the entry could
 * not be made durable, and then the caller must not go on.
 */
export class AuditIntake extends WorkerEntrypoint<Env> implements AuditIntakeRpc {
  async append(call: SignedCall, log: OrgId | null, events: readonly AuditFields[]): Promise<Appended> {
    const verified = await this.#verify(call, true);
    const name = logFor(verified, log);
    const parsed = parseEvents(events);
    if (parsed.length === 0) throw new Error("no audit event given");
    const { seqs, alerts = 0 } = await this.env.AUDIT_LOG.getByName(name).append(name, verified.rid, parsed);
    return { seqs, alerts };
  }

  async intent(call: SignedCall, log: OrgId | null, event: AuditFields): Promise<IntentHandle> {
    const verified = await this.#verify(call, true);
    const name = logFor(verified, log);
    const { seq } = await this.env.AUDIT_LOG.getByName(name).intent(name, verified.rid, parseEvent(event));
    return { log: name, seq };
  }

  async outcome(
    call: SignedCall,
    intent: IntentHandle,
    event: AuditFields,
    alongside: readonly AuditFields[] = [],
  ): Promise<{ seq: number; alerts: number }> {
    // An intent is closed once, whoever tries again.
    const verified = await this.#verify(call, false);
    const name = parseLogName(intent?.log);
    if (name === null || !Number.isSafeInteger(intent.seq)) throw new Error("not an intent's handle");
    // Goes through the same rule as the intent did: the handle is data, not authority.
    if (logFor(verified, orgOfLog(name)) !== name) throw new CallRefused("wrong_org");
    const parsed = parseEvent(event);
    const others = parseEvents(alongside);
    const target = this.env.AUDIT_LOG.getByName(name);
    const { seq, alerts } = await target.outcome(name, verified.rid, intent.seq, parsed, others);
    return { seq, alerts };
  }

  async erase(call: SignedCall, user: UserId): Promise<{ known: boolean }> {
    const verified = await this.#verify(call, true, ["erase_subject"]);
    const subject = parseId("user", user);
    if (subject === null) throw new RangeError("not a person's id");
    const erase = async (log: LogName, by: UserId | null): Promise<boolean> =>
      (await this.env.AUDIT_LOG.getByName(log).erasePerson(log, verified.rid, by, subject)).seq !== null;
    if (verified.kind === "user") {
      // Studio decides by its permission table (`audit:erase`); a Studio that forgets to is refused here.
      if (verified.role !== "owner") throw new CallRefused("not_granted");
      return { known: await erase(verified.org, verified.sub) };
    }
    if (verified.org !== null) throw new CallRefused("wrong_org");
    // The request's own log last: there lies its intent, and what is found beside that says that all of it was done.
    const own = platformLog(verified.rid);
    const others = platformLogs.filter((log) => log !== own);
    for (const log of [...others, own]) await erase(log, null);
    return { known: true };
  }

  async #verify(call: SignedCall, once: boolean, jobs: readonly Job[] = writingJobs): Promise<VerifiedCall> {
    const verified = await verifyInward(this.env, call, {
      audience: "durable-objects.audit-intake",
      users: true,
      jobs,
      once,
    });
    // It names the receipt that the reconciler will look for.
    if (parseId("request", verified.rid) === null) throw new CallRefused("malformed");
    return verified;
  }
}

/** The log that a call may write to. @throws CallRefused for another organisation's */
function logFor(call: VerifiedCall, log: unknown): LogName {
  if (log === null) return platformLog(call.rid);
  const org = parseId("org", log);
  if (org === null || org !== call.org) throw new CallRefused("wrong_org");
  return org;
}

/** What only the edge may report, and what the log says of itself. */
const ownTypes: ReadonlySet<AuditType> = new Set([
  "edge_refusals",
  "repeated",
  "alert",
  "person_erased",
  "audit_month",
]);

/** @throws Error for an event that is not exactly one of ours, or is none of a caller's */
function parseEvent(event: unknown): AuditFields {
  const parsed = parseAuditFields(event);
  if (parsed === null || ownTypes.has(parsed.type)) throw new Error("not an audit event");
  return parsed;
}

function parseEvents(events: unknown): AuditFields[] {
  if (!Array.isArray(events) || events.length > eventsMax) throw new Error(`at most ${eventsMax} audit events a call`);
  return events.map(parseEvent);
}
