import type { Activity, ActivityQuery } from "../../core/audit/activity.ts";
import type { AuditEntry, AuditFields } from "../../core/audit/events.ts";
import type { LogName } from "../../core/audit/logs.ts";
import type { TilePath } from "../../core/audit/tile-path.ts";
import type { UserId } from "../../core/ids.ts";
import type {
  CheckpointView,
  ConsistencyView,
  CosignAnswer,
  InclusionView,
  WitnessedView,
} from "../../core/rpc/audit-proofs.ts";
import type { Appended, AuditFilter, KeptWafRecord } from "../../core/rpc/durable-objects.ts";
import type { TrafficCount } from "./geo-traffic.ts";
import type { Refusals } from "./refusal-buckets.ts";
import type { WafCount } from "./waf-records.ts";

/** What the entrypoints of this Worker call on an AuditLog object; arguments were verified there. */
export interface AuditLogMethods {
  /** Single events, in order. */
  append(log: LogName, requestId: string, events: readonly AuditFields[]): Promise<Appended>;
  /** Before work. */
  intent(log: LogName, requestId: string, event: AuditFields): Promise<{ seq: number }>;
  /**
   * After work. Closing twice with the same content is one closing; with other content, for another
   * request's intent, or after the reconciler's verdict, it is refused.
   */
  outcome(
    log: LogName,
    requestId: string,
    intentSeq: number,
    event: AuditFields,
    alongside: readonly AuditFields[],
  ): Promise<{ seq: number; alerts: number }>;
  /** Entries, newest first. */
  list(log: LogName, filter: AuditFilter): Promise<{ items: AuditEntry[]; nextBeforeSeq: number | null }>;
  /** Entries after one, oldest first. */
  following(log: LogName, afterSeq: number, limit: number): Promise<AuditEntry[]>;
  /** How many events of which type came to what. */
  activity(query: ActivityQuery): Promise<Activity>;
  /** The newest checkpoint; null before the first. */
  checkpoint(): Promise<CheckpointView | null>;
  /** The next three: see `AuditProofsRpc`. */
  inclusion(seq: number, size: number | null): Promise<InclusionView | null>;
  consistency(from: number, to: number | null): Promise<ConsistencyView | null>;
  tile(path: TilePath): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The next two: see `AuditProofsRpc`. */
  witnessed(from: number): Promise<WitnessedView | null>;
  cosign(verifier: string, size: number, line: string): Promise<CosignAnswer>;
  /** Counts refusals of the edge. */
  foldRefusals(log: LogName, refusals: readonly Refusals[]): Promise<void>;
  /** Counts requests by where they came from. */
  foldTraffic(counts: readonly TrafficCount[]): Promise<void>;
  /** Where the requests of the last days came from. */
  traffic(days: number): Promise<TrafficCount[]>;
  /** Counts requests by what the firewall made of them. */
  foldWaf(counts: readonly WafCount[]): Promise<void>;
  /** What the firewall made of the requests of the last seven days. */
  waf(): Promise<KeptWafRecord[]>;
  /** Makes whatever names a person in this log unreadable, wherever a copy lies; null: it names no such person. */
  erasePerson(log: LogName, requestId: string, by: UserId | null, user: UserId): Promise<{ seq: number | null }>;
}
