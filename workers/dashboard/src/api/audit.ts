import { call, callVoid, path } from "./client.ts";
import {
  type AuditEntry,
  type AuditProof,
  type AuditStatus,
  auditEntrySchema,
  auditProofSchema,
  auditStatusSchema,
  type Page,
  pageOf,
} from "./schemas.ts";

export interface AuditFilter {
  readonly type: string;
  readonly actor: string;
  readonly outcome: string;
  /** Id of the person or device that it was about. */
  readonly target: string;
  readonly document: string;
  /** As the log has it. */
  readonly address: string;
  /** ISO 3166 code. */
  readonly country: string;
  /** RFC 3339 UTC, or empty. */
  readonly from: string;
  readonly to: string;
}

const auditRows = 50;

/** Newest first. */
export function listAudit(
  org: string,
  filter: AuditFilter,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page<AuditEntry>> {
  const query = { ...filter, limit: auditRows, cursor };
  return call(path("orgs", org, "audit"), pageOf(auditEntrySchema), { query, signal });
}

/** Up to where the log is signed. */
export function readAuditStatus(org: string, signal: AbortSignal): Promise<AuditStatus> {
  return call(path("orgs", org, "audit", "status"), auditStatusSchema, { signal });
}

/** Where an entry stands in the log; fetching it is a read on record. */
export function readAuditProof(org: string, seq: number, signal: AbortSignal): Promise<AuditProof> {
  return call(path("orgs", org, "audit", String(seq), "proof"), auditProofSchema, { signal });
}

/** Makes a former member unreadable in the log, for good. */
export function eraseAuditSubject(org: string, user: string): Promise<void> {
  return callVoid(path("orgs", org, "audit", "subjects", user), { method: "DELETE" });
}
