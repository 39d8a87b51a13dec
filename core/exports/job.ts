/** What an export is: what of, in which format, and in which state. */
import type { DeviceId, DocumentId } from "../ids.ts";
import type { Permission, Role } from "../tenancy/roles.ts";

export const exportSources = ["inventory", "telemetry", "audit", "documents"] as const;
export type ExportSource = (typeof exportSources)[number];

export const exportFormats = ["csv", "jsonl", "xlsx", "zip"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export const exportStates = [
  /** A second administrator has to agree first. */
  "waiting_approval",
  "queued",
  "running",
  /** Whole, and on its way to a destination. */
  "delivering",
  "done",
  "failed",
  "cancelled",
  /** Its time is over; what it held is gone. */
  "expired",
] as const;
export type ExportState = (typeof exportStates)[number];

/** Nothing more happens to it by itself, but that it expires. */
export const isOver = (state: ExportState): boolean =>
  state === "done" || state === "failed" || state === "cancelled" || state === "expired";

export const exportFailures = [
  /** Whoever asked is no member any more, or in another role, or may no longer read this. */
  "access_lost",
  "key_unavailable",
  /** More rows than an export, or its format, may have. */
  "too_large",
  /** It was tried as often as it is worth. */
  "gave_up",
  "rejected",
  "approval_expired",
  "delivery_failed",
  /** It leads elsewhere than when the second administrator agreed. */
  "destination_changed",
] as const;
export type ExportFailure = (typeof exportFailures)[number];

/** What of the source; null: all that whoever asks may see. */
export interface ExportSpec {
  readonly source: ExportSource;
  readonly format: ExportFormat;
  /** Of telemetry. */
  readonly devices: readonly DeviceId[] | null;
  /** Of documents. */
  readonly documents: readonly DocumentId[] | null;
  /** Unix milliseconds, of telemetry and audit; the first inclusive, the second not. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** Rows of one export: some 250 MB of text, and 400 steps. More is asked for in several, by time. */
export const exportRowsMax = 2_000_000;
/** Rows of one sheet (ECMA-376 part 1, section 18.3.1.73), without its head. */
export const sheetRowsMax = 1_048_575;
/** Devices or documents that an export names: each stands in its audit event. */
export const exportThingsMax = 100;
/** Documents of one archive, and its bytes: some ten minutes of work, and 4,096 pieces that its row names. */
export const zipDocumentsMax = 10_000;
export const zipBytesMax = 16 * 1024 ** 3;
/** How long a result is kept, in days, and how long a ticket for it is good, in milliseconds. */
export const exportDays = 7;
export const exportTicketMs = 15 * 60_000;
/** Exports of one organisation that are not over: each costs minutes of work. */
export const openExportsMax = 20;

/** What a role needs for each. */
export const sourcePermissions: Readonly<Record<ExportSource, Permission>> = {
  inventory: "devices:read",
  telemetry: "telemetry:read",
  audit: "audit:read",
  documents: "documents:read",
};

/** Roles that rows are read as, without anybody there. */
export const readerRoles = ["analyst", "viewer", "readonly"] as const satisfies readonly Role[];
export type ReaderRole = (typeof readerRoles)[number];

/**
 * The role that sees what another sees and writes no more than it must: who may see everything reads as `readonly`.
 * An export's connection is never good for more than that.
 */
export const readerRoleOf = (role: Role): ReaderRole => (role === "owner" || role === "admin" ? "readonly" : role);

export const mediaTypes: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv; charset=utf-8",
  jsonl: "application/jsonl",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  zip: "application/zip",
};

/** The most rows that a format holds. */
export const rowsMaxOf = (format: ExportFormat): number =>
  format === "zip" ? zipDocumentsMax : format === "xlsx" ? sheetRowsMax : exportRowsMax;

/** The formats of a source: an archive is of documents alone. */
export const formatsOf = (source: ExportSource): readonly ExportFormat[] =>
  source === "documents" ? exportFormats : exportFormats.filter((format) => format !== "zip");

/** @param createdAt RFC 3339 */
export const exportFileName = (id: string, spec: Pick<ExportSpec, "source" | "format">, createdAt: string): string =>
  `${spec.source}-${createdAt.slice(0, 10)}-${id}.${spec.format}`;
