/** Archives that are written piece by piece, read by three programs of others. */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { unzipSync } from "fflate";
import { describe, expect, it, vi } from "vitest";
import { crc32 } from "../../../core/exports/zip/crc32.ts";
import { archiveName } from "../../../core/exports/zip/names.ts";
import {
  dataDescriptor,
  directoryEntry,
  endOfArchive,
  localHeader,
  type ZipEntryWritten,
} from "../../../core/exports/zip/records.ts";
import { filesIn, inFolder, readByPython, readByUnzip, writeZip } from "../../support/zip-readers.ts";

vi.setConfig({ testTimeout: 120_000 });

function zipOf(files: readonly (readonly [name: string, bytes: Uint8Array])[], gap = 0): Buffer {
  const pieces: Uint8Array[] = [];
  const entries: ZipEntryWritten[] = [];
  let at = 0;
  const push = (piece: Uint8Array): void => {
    pieces.push(piece);
    at += piece.length;
  };
  for (const [name, bytes] of files) {
    entries.push({ name, crc32: crc32(0, bytes), sizeBytes: bytes.length, offset: at });
    for (const piece of [localHeader(name), bytes, dataDescriptor(crc32(0, bytes), bytes.length)]) push(piece);
    push(new Uint8Array(gap));
  }
  const directory = at;
  for (const entry of entries) push(directoryEntry(entry));
  push(endOfArchive(entries.length, directory, at - directory));
  return Buffer.concat(pieces);
}
const id = (at: number): string => `doc_${String(at).padStart(26, "0")}`;

describe("CRC-32", () => {
  it("is what zlib says, gone on with at any place", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        expect(crc32(crc32(0, bytes.subarray(0, cut)), bytes.subarray(cut))).toBe(zlibCrc32(bytes));
      }),
    );
  });
});

describe("an archive", () => {
  it("is read alike by fflate, Python and unzip, whatever is in it and whatever it is called", () => {
    const file = fc.tuple(fc.string({ unit: "binary", maxLength: 60 }), fc.uint8Array({ maxLength: 2_000 }));
    fc.assert(
      fc.property(fc.array(file, { maxLength: 6 }), fc.nat(20), (files, gap) => {
        const named = files.map(([name, bytes], at) => [archiveName(name, id(at)), bytes] as const);
        const zip = zipOf(named, gap);
        const plain = Object.fromEntries(named.map(([name, bytes]) => [name, Buffer.from(bytes)]));
        const read = Object.entries(unzipSync(zip)).map(([name, bytes]) => [name, Buffer.from(bytes)]);
        expect(Object.fromEntries(read)).toEqual(plain);
        inFolder((folder) => {
          const path = writeZip(folder, zip);
          const into = join(folder, "python");
          const listed = readByPython(path, into);
          if (listed !== null) expect(filesIn(into)).toEqual(plain);
          const other = join(folder, "unzip");
          // Of an archive of nothing it says that it holds nothing, and ends with 1.
          // Names it writes in the letters of whatever place it believes to be in.
          const contents = (of: Record<string, Buffer>): string[] =>
            Object.values(of)
              .map((bytes) => bytes.toString("hex"))
              .toSorted();
          if (named.length > 0 && readByUnzip(path, other)) {
            expect(contents(filesIn(other))).toEqual(contents(plain));
            expect(Object.keys(filesIn(other)).join()).not.toContain("/");
          }
        });
      }),
      { numRuns: 40 },
    );
  });

  it("of more than 65,535 entries is counted by Zip64", () => {
    const empty = new Uint8Array();
    const zip = zipOf(Array.from({ length: 65_600 }, (_, at) => [archiveName("a", id(at)), empty]));
    inFolder((folder) => {
      expect(Object.keys(unzipSync(zip, { filter: () => false }))).toEqual([]);
      const listed = readByPython(writeZip(folder, zip), join(folder, "out"));
      if (listed !== null) expect(listed.length).toBe(65_600);
    });
  });

  it("past 4 GiB has its offsets in Zip64, and its last entry is read", () => {
    inFolder((folder) => {
      const path = join(folder, "it.zip");
      const fd = openSync(path, "w");
      // A hole of 5 GiB between two entries, which takes no place on a disk and is no entry's.
      const [first, last] = [Buffer.from("first"), Buffer.from("last")];
      const far = 5 * 1024 ** 3;
      const entries: ZipEntryWritten[] = [];
      const put = (name: string, bytes: Buffer, offset: number): void => {
        const whole = Buffer.concat([localHeader(name), bytes, dataDescriptor(crc32(0, bytes), bytes.length)]);
        writeSync(fd, whole, 0, whole.length, offset);
        entries.push({ name, crc32: crc32(0, bytes), sizeBytes: bytes.length, offset });
      };
      put("first.txt", first, 0);
      put("last.txt", last, far);
      const directory = far + 1_000;
      const listed = Buffer.concat(entries.map(directoryEntry));
      ftruncateSync(fd, directory);
      const end = Buffer.concat([listed, endOfArchive(entries.length, directory, listed.length)]);
      writeSync(fd, end, 0, end.length, directory);
      closeSync(fd);
      for (const read of [readByPython, readByUnzip]) {
        const into = join(folder, read.name);
        mkdirSync(into);
        if (read(path, into)) expect(filesIn(into)).toEqual({ "first.txt": first, "last.txt": last });
      }
    });
  });
});

describe("a name in an archive", () => {
  it.each([
    ["../../etc/passwd", "_.._etc_passwd (ID)"],
    ["/etc/passwd", "_etc_passwd (ID)"],
    ["C:\\Windows\\system.ini", "C__Windows_system (ID).ini"],
    ["..", "document (ID)"],
    ["CON.txt", "_CON (ID).txt"],
    ["con .tar.gz", "_con .tar (ID).gz"],
    ["LPT¹", "_LPT¹ (ID)"],
    ["aux", "_aux (ID)"],
    ["console.txt", "console (ID).txt"],
    ["a\u202efdp.exe", "afdp (ID).exe"],
    ["a\u0000b\u001b[31m\u0085.txt", "a_b_[31m_ (ID).txt"],
    ["report.pdf:stream", "report.pdf_stream (ID)"],
    ["  .hidden. ", "hidden (ID)"],
    ["रिपोर्ट क्‍ष.pdf", "रिपोर्ट क्‍ष (ID).pdf"],
    ["e\u0301tude.txt", "étude (ID).txt"],
    ["", "document (ID)"],
  ])("of %j is %j", (name, wanted) => {
    const made = archiveName(name, "ID");
    expect(made).toBe(wanted);
  });

  it("is short enough for a file system, one part of a path, and nobody else's in any case", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.string({ unit: "grapheme" }), (name, other) => {
        const made = archiveName(name, id(1));
        expect(Buffer.byteLength(made)).toBeLessThanOrEqual(201);
        expect(made).not.toMatch(/[/\\:*?"<>|\p{Cc}\p{Cs}]|^[.\s]|[.\s]$/u);
        expect(made.replaceAll(/[\u200c\u200d]/gu, "")).not.toMatch(/\p{Cf}/u);
        expect(made.toLowerCase()).not.toBe(archiveName(other, id(2)).toLowerCase());
        expect(archiveName(made, id(1)).isWellFormed()).toBe(true);
      }),
    );
  });
});
