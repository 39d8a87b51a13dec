import type { DeliveryFailure } from "../../../../../core/exports/destination.ts";
import { exportSources } from "../../../../../core/exports/job.ts";
import type { Destination, Export } from "../../api/exports.ts";
import { formatNumber } from "../../format/numbers.ts";

export const sourceNames: Readonly<Record<Export["source"], string>> = {
  inventory: "Devices",
  telemetry: "Readings",
  audit: "Audit log",
  documents: "Documents",
};
export const formatNames: Readonly<Record<Export["format"], string>> = {
  csv: "CSV",
  jsonl: "JSON lines",
  xlsx: "Excel",
  zip: "Zip of the files",
};

/** The source in an address; null for anything else. */
export const parseSource = (text: string | null): Export["source"] | null =>
  exportSources.find((known) => known === text) ?? null;

/** So many of what the export is made of. */
export function countOf({ format }: Pick<Export, "format">, count: number): string {
  const one = format === "zip" ? "document" : "row";
  return `${formatNumber(count)} ${one}${count === 1 ? "" : "s"}`;
}

const failures: Readonly<Record<string, string>> = {
  access_lost: "Whoever asked may no longer read this",
  key_unavailable: "The organisation's encryption key could not be had",
  too_large: "There was more than an export may have",
  gave_up: "It was tried as often as it is worth; ask again later",
  rejected: "Another administrator refused it",
  approval_expired: "Nobody agreed within three days",
  delivery_failed: "The destination did not take it; test it below",
  destination_changed: "The destination was pointed elsewhere after it was asked for; ask again",
};
/** Why an export failed, as a sentence. */
export const failureText = (failure: string | null): string => failures[failure ?? ""] ?? "It failed";

const deliveries: Readonly<Record<DeliveryFailure, string>> = {
  unreachable: "Did not answer",
  too_slow: "Answered too slowly",
  refused_for_now: "Takes nothing at the moment",
  refused: "Refused it: look at its keys, names and rights",
  destination_gone: "Its secret can't be opened: give it anew",
};
export const deliveryText = (failure: DeliveryFailure): string => deliveries[failure];

/** Where an export goes. */
export function destinationName({ destination }: Export, known: readonly Destination[]): string {
  if (destination.kind === "download") return "Download";
  const found = known.find(({ id }) => id === destination.id);
  return found?.name ?? (destination.kind === "bucket" ? "A bucket" : "A webhook");
}

/** Where a destination leads, whatever it is called. */
export const addressOf = ({ bucket, webhook }: Destination): string =>
  bucket === null ? (webhook?.url ?? "") : `${bucket.endpoint}/${bucket.bucket}/${bucket.prefix}`;
