import type { Role } from "../tenancy/roles.ts";

/** The five events of ARCHITECTURE.md with exactly their fields, and the edge's folded refusals. */
export type AuditFields =
  | {
      readonly type: "login";
      readonly user_id: string | null;
      readonly ip: string;
      readonly user_agent: string;
      readonly outcome: "success" | "failure";
      readonly mfa: "none" | "passed" | "failed" | "not_reached";
    }
  | {
      readonly type: "api_call";
      readonly user_id: string | null;
      /** The route's pattern, never the raw path: `/api/v1/orgs/{org}/members`. */
      readonly endpoint: string;
      readonly method: string;
      /** Null in an intent. */
      readonly status_code: number | null;
      readonly duration_ms: number | null;
    }
  | {
      readonly type: "data_access";
      readonly user_id: string;
      readonly document_id: string;
      readonly action: "read" | "write" | "delete";
    }
  | {
      readonly type: "role_change";
      readonly admin_id: string;
      readonly target_user_id: string;
      readonly old_role: Role | null;
      readonly new_role: Role | null;
    }
  | {
      readonly type: "export";
      readonly user_id: string;
      readonly format: string;
      readonly document_ids: readonly string[];
      readonly destination: string;
    }
  | {
      readonly type: "edge_refusals";
      readonly gate: string;
      readonly code: string;
      readonly country: string;
      readonly count: number;
      readonly first_at: string;
      readonly last_at: string;
    };

export type AuditType = AuditFields["type"];

/** Every type, for parsing a filter. */
export const auditTypes = [
  "login",
  "api_call",
  "data_access",
  "role_change",
  "export",
  "edge_refusals",
] as const satisfies readonly AuditType[];

/** Fields that name a person: a salted commitment in the leaf, so that a person can be erased. */
export const personalFields = ["user_id", "admin_id", "target_user_id", "ip", "user_agent"] as const;

/**
 * One change leaves two entries: `intent` before the work and `outcome` after it, which names the
 * intent's sequence number. What needs no pair (a read, a login) is one `event`.
 */
export type AuditPhase = "event" | "intent" | "outcome";

/** How an intent ended. `lost`: the reconciler looked and found the work not done. */
export type AuditResult = "answered" | "reconciled_done" | "reconciled_not_done";

/** An entry as readers see it (personal fields resolved, or null once erased). */
export interface AuditEntry {
  readonly version: 1;
  /** An organisation's id, or `platform-{shard}` for events that belong to none. */
  readonly log: string;
  /** 1, 2, 3 … without a gap within one log. */
  readonly seq: number;
  /** Commit time by the log's own clock, RFC 3339 UTC with milliseconds. */
  readonly at: string;
  readonly request_id: string;
  readonly phase: AuditPhase;
  /** For an outcome: the intent's `seq`. */
  readonly intent_seq: number | null;
  readonly result: AuditResult | null;
  readonly event: AuditFields;
  /** RFC 9162 leaf hash, lower-case hex. */
  readonly leaf_hash: string;
}

/** Number of platform logs: events without an organisation are spread over them by request id. */
export const platformLogShards = 4;
