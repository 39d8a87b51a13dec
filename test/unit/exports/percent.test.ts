/** How far an export is, as it is shown. */
import { describe, expect, it } from "vitest";
import type { ExportRow } from "../../../store/control/exports.ts";
import { exportView } from "../../../workers/studio/routes/exports/schemas.ts";
import { newId } from "../capabilities/mesh.ts";

const row: ExportRow = {
  id: newId("export"),
  requestedBy: newId("user"),
  requestedRole: "owner",
  spec: { source: "documents", format: "zip", devices: null, documents: null, fromMs: null, toMs: null },
  destination: { kind: "download" },
  state: "running",
  stage: "rows",
  rows: 0,
  rowsExpected: 0,
  bytesExpected: null,
  bytes: 0,
  tries: 0,
  failure: null,
  place: null,
  approvedBy: null,
  createdAt: "2026-11-23T00:00:00.000Z",
  finishedAt: null,
  expiresAt: null,
};
const percentOf = (change: Partial<ExportRow>): number => exportView({ ...row, ...change }).percent;
const gigabyte = 1024 ** 3;

describe("an archive", () => {
  it("of many small documents and one of a gigabyte is at its beginning when the small ones are in it", () => {
    const whole = { rowsExpected: 1_000, bytesExpected: gigabyte + 999_000 };
    expect(percentOf({ ...whole, rows: 999, bytes: 1_100_000 })).toBe(0);
    expect(percentOf({ ...whole, rows: 999, bytes: gigabyte / 2 })).toBe(49);
  });

  it("is never done before it is, though it has more bytes than its documents", () => {
    expect(percentOf({ rowsExpected: 1, bytesExpected: 10, rows: 1, bytes: 400 })).toBe(99);
    expect(percentOf({ stage: "whole", bytesExpected: 10, bytes: 400 })).toBe(99);
    expect(percentOf({ state: "done", bytesExpected: 10, bytes: 400 })).toBe(100);
  });

  it("of empty documents goes by their number, and so does one from before bytes were counted", () => {
    expect(percentOf({ rowsExpected: 4, rows: 2, bytesExpected: 0 })).toBe(49);
    expect(percentOf({ rowsExpected: 4, rows: 2, bytesExpected: null })).toBe(49);
  });
});

it("of a table goes by rows, and a sheet is made in the second half", () => {
  const spec = { ...row.spec, source: "inventory" } as const;
  expect(percentOf({ spec: { ...spec, format: "csv" }, rowsExpected: 10, rows: 5 })).toBe(49);
  expect(percentOf({ spec: { ...spec, format: "xlsx" }, rowsExpected: 10, rows: 10, stage: "sheet" })).toBe(50);
  expect(percentOf({ spec: { ...spec, format: "csv" }, rowsExpected: 0 })).toBe(0);
});
