import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { type Exchange, userCall } from "./exchange.ts";

/** The audit log did not take an event. Nothing may leave, and nothing may be begun. */
export class AuditUnavailable extends Error {
  constructor(cause: unknown) {
    super("the audit log is not answering");
    this.name = "AuditUnavailable";
    this.cause = cause;
  }
}

/** Runs an audit call. @throws AuditUnavailable */
export async function audited<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AuditUnavailable(cause);
  }
}

/** The `api_call` event of this request; its endpoint is the route's pattern, never the path. */
export function apiCall(exchange: Exchange, status: number | null): AuditFields {
  const { definition, person, services, startedAtMs } = exchange;
  return {
    type: "api_call",
    user_id: person?.user ?? null,
    endpoint: definition.spec.path,
    method: definition.spec.method,
    status_code: status,
    duration_ms: status === null ? null : Math.max(0, Math.round(services.now() - startedAtMs)),
  };
}

/** On the member's behalf in their own organisation's log, else as a request before anyone is known. */
export function auditCall(exchange: Exchange, log: OrgId | null): Promise<SignedCall> {
  const { membership, services, requestId } = exchange;
  if (membership !== null && membership.org === log)
    return userCall(exchange, membership, "durable-objects.audit-intake");
  return services.caller.asJob("durable-objects.audit-intake", "anonymous_request", log, requestId);
}

/** One event and what belongs to it, durable when this returns. @throws AuditUnavailable */
export async function appendApiCall(
  exchange: Exchange,
  status: number,
  alongside: readonly AuditFields[],
): Promise<void> {
  const { services, log } = exchange;
  await audited(async () =>
    services.audit.append(await auditCall(exchange, log), log, [apiCall(exchange, status), ...alongside]),
  );
}
