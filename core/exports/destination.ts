/** Where an export goes, and what carries it there. */
import type { ExportDestinationId, ExportId, OrgId } from "../ids.ts";

export const destinationKinds = ["download", "bucket", "webhook"] as const;
export type DestinationKind = (typeof destinationKinds)[number];

/**
 * As a job carries it: which destination, never what it takes to reach it. That is read when the job delivers, so a
 * destination that was removed or changed meanwhile is not used as it was. An export that a second administrator agrees
 * to has a pin as well: they agreed to a place, and whoever asked must not point its name at another one behind them.
 */
export type ExportDestination =
  /** Kept here, sealed; whoever asked for it fetches it with a ticket. */
  | { readonly kind: "download" }
  | {
      readonly kind: Exclude<DestinationKind, "download">;
      readonly id: ExportDestinationId;
      /** Digest of where it led when it was asked for; null: wherever it leads by then. */
      readonly pin: string | null;
    };

/** What is known of a result that is whole. */
export interface ExportMeta {
  readonly id: ExportId;
  readonly org: OrgId;
  /** What was exported: `inventory`, `telemetry`, `audit`, `documents`. */
  readonly source: string;
  /** `csv`, `jsonl`, `xlsx`, `zip`. */
  readonly format: string;
  /** `inventory-2026-11-23-exp_….csv`: characters that every file system and object key takes. */
  readonly fileName: string;
  readonly mediaType: string;
  /** Exactly what a reading of all of it yields. */
  readonly sizeBytes: number;
  readonly rows: number;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** A result as whoever delivers it reads it: opened piece by piece, at most some hundreds of KiB of it held at a time. */
export interface ResultBytes {
  /**
   * Its bytes in order, in pieces of any size; may be asked for any number of times, so a part that failed is read
   * again. It throws in the midst if what lies in the bucket is not what was put there, in the order in which it was.
   */
  read(): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Why nothing was delivered. Each but the last two is worth another try later. */
export const deliveryFailures = [
  "unreachable",
  "too_slow",
  "refused_for_now",
  /** The place says that these credentials, or this name, are not good there. */
  "refused",
  /** It was removed, or its secret can't be opened. */
  "destination_gone",
] as const;
export type DeliveryFailure = (typeof deliveryFailures)[number];

export type DeliveryOutcome =
  | {
      readonly ok: true;
      /** Where it is now, for people: an object's name, never a secret or an address with one. */
      readonly place: string;
    }
  | { readonly ok: false; readonly code: DeliveryFailure };

/**
 * One kind of destination, opened for one job. Delivering twice leaves one result there: a job that is killed after it
 * delivered delivers again.
 */
export interface DestinationPort {
  deliver(result: ResultBytes, meta: ExportMeta): Promise<DeliveryOutcome>;
}

/** True when a failure may pass by itself. */
export const mayPass = (code: DeliveryFailure): boolean => code !== "refused" && code !== "destination_gone";
