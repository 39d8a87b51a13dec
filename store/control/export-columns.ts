/** What exports keep as JSON, read back into what was written. */
import type { ExportDestination } from "../../core/exports/destination.ts";
import { type ExportSpec, exportFormats, exportSources } from "../../core/exports/job.ts";
import { type Id, type IdKind, parseId } from "../../core/ids.ts";
import type { ExportPart } from "../../core/rpc/exports.ts";
import type { Row } from "../connect.ts";

const broken = (): never => {
  throw new TypeError("an export's row holds something that was never written to it");
};

/** Source, format and what of it. */
export function specOf(row: Row): ExportSpec {
  const source = exportSources.find((known) => known === row["source"]) ?? broken();
  const format = exportFormats.find((known) => known === row["format"]) ?? broken();
  const { devices, documents, from, to } = row["spec"] as Readonly<Record<string, unknown>>;
  return {
    source,
    format,
    devices: idsOf("device", devices),
    documents: idsOf("document", documents),
    fromMs: msOf(from),
    toMs: msOf(to),
  };
}

function idsOf<K extends IdKind>(kind: K, value: unknown): Id<K>[] | null {
  if (value === null) return null;
  return Array.isArray(value) ? value.map((one) => parseId(kind, one) ?? broken()) : broken();
}

const msOf = (value: unknown): number | null =>
  value === null || Number.isSafeInteger(value) ? (value as number | null) : broken();

/** Where it goes. */
export function destinationOf(value: unknown): ExportDestination {
  const { kind, id, pin } = value as { readonly kind: unknown; readonly id?: unknown; readonly pin?: unknown };
  if (kind === "download") return { kind };
  const parsed = parseId("exportDestination", id);
  if ((kind !== "bucket" && kind !== "webhook") || parsed === null) return broken();
  // Rows of before have none.
  return { kind, id: parsed, pin: typeof pin === "string" ? pin : null };
}

/** Pieces in their order. */
export function partsOf(row: Row): ExportPart[] {
  const value = row["parts"];
  if (!Array.isArray(value)) return broken();
  return value.map((part: { readonly o: unknown; readonly b: unknown }) =>
    typeof part.o === "string" && Number.isSafeInteger(part.b) ? { object: part.o, bytes: part.b as number } : broken(),
  );
}

/** … as they are written. */
export const partsText = (parts: readonly ExportPart[]): string =>
  JSON.stringify(parts.map(({ object, bytes }) => ({ o: object, b: bytes })));
