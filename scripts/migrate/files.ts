/** Reads numbered SQL files: `NNNN_name.sql`, from 0001 without a gap. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** `control` on the first placement, `placement` on each. `tenant` is applied by the data Worker. */
export type MigrationSet = "control" | "placement";

export interface MigrationFile {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text, hex. */
  readonly checksum: string;
}

/** A migration's number as its file has it. */
export const fourDigits = (number: number): string => String(number).padStart(4, "0");

/** @throws Error on a gap, two files of one number, or a name that is not `NNNN_name.sql` */
export function readMigrations(set: MigrationSet | "tenant"): MigrationFile[] {
  const folder = fileURLToPath(new URL(`../../migrations/${set}/`, import.meta.url));
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".sql") && !name.endsWith(".expected.sql"))
    .sort();
  return files.map((name, index) => {
    const number = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]);
    if (number !== index + 1) throw new Error(`migrations/${set}/${name}: expected number ${fourDigits(index + 1)}`);
    // Line ends are the checkout's business, not the migration's.
    const sql = readFileSync(join(folder, name), "utf8").replaceAll("\r\n", "\n");
    return { number, name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
  });
}
