import { randomBytes } from "node:crypto";
import type { ExportMeta, ResultBytes } from "../../../core/exports/destination.ts";
import { makeId } from "../../../core/ids.ts";
import { createAskOutside } from "../../../workers/capabilities/exports/destinations/ask-outside.ts";
import type { DeliveryDependencies } from "../../../workers/capabilities/exports/destinations/bucket-port.ts";

export const id = <K extends Parameters<typeof makeId>[0]>(kind: K) =>
  makeId(kind, Date.now(), Uint8Array.from(randomBytes(10)));

export const metaOf = (sizeBytes: number): ExportMeta => {
  const of = id("export");
  return {
    id: of,
    org: id("org"),
    source: "inventory",
    format: "csv",
    fileName: `inventory-2026-11-23-${of}.csv`,
    mediaType: "text/csv",
    sizeBytes,
    rows: 3,
    createdAt: "2026-11-23T00:00:00.000Z",
  };
};

/** A result in pieces of an odd size, so that no boundary falls where a part's does. */
export const resultOf = (bytes: Uint8Array): ResultBytes => ({
  async *read() {
    for (let at = 0; at < bytes.length; at += 99_991) yield Uint8Array.from(bytes.subarray(at, at + 99_991));
  },
});

/** Real requests to loopback; waits end at once and are noted. */
export function delivering(
  origins: readonly string[],
  askMsMax = 30_000,
): DeliveryDependencies & { readonly waits: number[] } {
  const loopback = new Set(origins);
  const waits: number[] = [];
  const wait = async (ms: number): Promise<void> => {
    waits.push(ms);
  };
  return { ask: createAskOutside(fetch, loopback, { askMsMax }), wait, now: Date.now, loopback, waits };
}
