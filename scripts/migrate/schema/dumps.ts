/** The committed description of each migration set at each version: `migrations/{set}/schema/NNNN.json`. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { fourDigits, type MigrationFile, type MigrationSet, readMigrations } from "../files.ts";

export type DumpedSet = MigrationSet | "tenant";
export const dumpedSets: readonly DumpedSet[] = ["control", "placement", "tenant"];

/** What of a database each set answers for. A tenant's is its own schema. */
export const schemasOf: Readonly<Record<MigrationSet, readonly string[]>> = {
  control: ["control"],
  placement: ["audit", "public"],
};

export interface SchemaDump {
  readonly file: string;
  /** SHA-256 of the file's text: applied files never change. */
  readonly checksum: string;
  /** As `describeSchemas` tells the schema after this file. */
  readonly schema: readonly string[];
}

const pathOf = (set: DumpedSet, number: number): string =>
  fileURLToPath(new URL(`../../../migrations/${set}/schema/${fourDigits(number)}.json`, import.meta.url));

/** The dump of a version, or null when none was written. */
export function readDump(set: DumpedSet, number: number): SchemaDump | null {
  const path = pathOf(set, number);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as SchemaDump) : null;
}

export function writeDump(set: DumpedSet, number: number, dump: SchemaDump): void {
  const path = pathOf(set, number);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(dump, null, 2)}\n`);
}

/** What is wrong with the files of a set by their dumps' checksums, in words; nothing touches a database. */
export function changedFiles(set: DumpedSet, files: readonly MigrationFile[] = readMigrations(set)): string[] {
  return files.flatMap(({ number, name, checksum }) => {
    const dump = readDump(set, number);
    if (dump === null) return [`migrations/${set}/${name} has no dump: node scripts/migrate/schema/dump.ts`];
    if (dump.file !== name || dump.checksum !== checksum)
      return [`migrations/${set}/${name} was changed after its dump was committed: write a new file instead`];
    return [];
  });
}
