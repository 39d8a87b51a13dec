/** Zip files as programs of others read them. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is gone afterwards. */
export function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-zip-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    bad = archive.testzip()
    assert bad is None, bad
    archive.extractall(sys.argv[2])
    print(json.dumps([[info.filename, info.file_size, info.header_offset] for info in archive.infolist()]))
`;

/** Python's zipfile: checks every sum, and unpacks. @returns null where there is no Python */
export function readByPython(zip: string, into: string): [name: string, bytes: number, offset: number][] | null {
  const ran = spawnSync("python3", ["-c", script, zip, into], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (ran.error !== undefined) return null;
  if (ran.status !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout);
}

/** Info-ZIP's unzip: tests, and unpacks. @returns false where there is none */
export function readByUnzip(zip: string, into: string): boolean {
  const ran = spawnSync("unzip", ["-q", "-o", zip, "-d", into], {
    encoding: "utf8",
    // Else it writes names in the letters of whatever place it believes to be in.
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  if (ran.error !== undefined) return false;
  if (ran.status !== 0) throw new Error(`unzip ended with ${ran.status}: ${ran.stdout}${ran.stderr}`);
  return true;
}

/** What was unpacked, by names with folders in front. A name may be bytes that are no text. */
export function filesIn(folder: string | Buffer, before = ""): Record<string, Buffer> {
  if (!existsSync(folder)) return {};
  const files = readdirSync(folder, { encoding: "buffer" }).map((name): Record<string, Buffer> => {
    const path = Buffer.concat([Buffer.from(folder), Buffer.from("/"), name]);
    const shown = `${before}${name.toString()}`;
    return statSync(path).isDirectory() ? filesIn(path, `${shown}/`) : { [shown]: readFileSync(path) };
  });
  return Object.assign({}, ...files);
}

export const writeZip = (folder: string, bytes: Uint8Array): string => {
  const path = join(folder, "it.zip");
  writeFileSync(path, bytes);
  return path;
};
