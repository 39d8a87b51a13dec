import { type AuditEntry, type Page } from "./schemas.ts";
export interface AuditFilter {
    readonly type: string;
    readonly actor: string;
    /** RFC 3339 UTC, or empty. */
    readonly from: string;
    readonly to: string;
}
/** Newest first. */
export declare function listAudit(org: string, filter: AuditFilter, cursor: string | null, signal: AbortSignal): Promise<Page<AuditEntry>>;
