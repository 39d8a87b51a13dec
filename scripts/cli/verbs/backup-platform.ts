/** Verbs for the backups that the platform makes by itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BackupId, OrgId } from "../../../core/ids.ts";
import { parseId } from "../../../core/ids.ts";
import { fileEnding, writeFileWhole } from "../../backup/files.ts";
import { type ListedBackup, type PlatformLink, readObject } from "../../backup/platform-link.ts";
import { showBytes } from "../../backup/progress.ts";
import { platformLink } from "../backup-routes.ts";
import { CliError } from "../cli-error.ts";
import { operatorExclusive, operatorFlags } from "../operator.ts";
import { orgFlag } from "../organisation.ts";
import type { Flags, Verb } from "../verb.ts";
import { failing, folderFlag, required, requiredOrg } from "./backup-flags.ts";

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** What a verb takes in place of a file: `bak_…`, also as `r2:bak_…`. @returns null for a file */
export const platformBackup = (text: string): BackupId | null => parseId("backup", text.replace(/^r2:/, ""));

/** @throws CliError `no_stack` */
export function requirePlatform(flags: Flags): PlatformLink {
  const link = platformLink(flags);
  if (link !== null) return link;
  throw new CliError(
    "no_stack",
    "a backup that the platform made is had from a Sentinel that runs: say --url or --state",
    2,
  );
}

/** Fetches one into a folder, as it lies: sealed. @returns the file's path @throws CliError */
export async function fetchBackup(link: PlatformLink, org: OrgId, backup: BackupId, folder: string): Promise<string> {
  const found = (await link.list(org)).find(({ id }) => id === backup);
  if (found === undefined || found.made_by !== "platform")
    throw new CliError("unknown_backup", `${backup} is not a backup that the platform made of ${org}`);
  const shown = showBytes(backup, found.bytes);
  const bytes = readObject(link, org, backup, (read) => shown.update(read, ""));
  return await writeFileWhole(folder, `${org}.${backup}${fileEnding}`, bytes, async (written) => {
    shown.end();
    if (written.bytes !== found.bytes) throw new CliError("not_whole", "the object is not as long as its record says");
  });
}

/** A file to read, and how to be rid of it when it was fetched for this alone. */
export interface LocalFile {
  readonly path: string;
  forget(): void;
}

/**
 * What FILE means: a file, or `bak_…`, which is fetched into a folder of its own.
 * @param org whose, when `--org` does not say it
 * @throws CliError
 */
export async function localFile(flags: Flags, text: string, org?: OrgId): Promise<LocalFile> {
  const backup = platformBackup(text);
  if (backup === null) return { path: text, forget: () => undefined };
  const link = requirePlatform(flags);
  const folder = mkdtempSync(join(tmpdir(), "sentinel-backup-"));
  const forget = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    return { path: await fetchBackup(link, org ?? (await requiredOrg(flags, "org")), backup, folder), forget };
  } catch (error) {
    forget();
    throw error;
  }
}

/** How old a backup of the present state may be. */
const presentMsMax = 3_600_000;

/**
 * A backup of the present state, for an organisation whose key this program can't ask for: one that the platform
 * made within the last hour.
 * @throws CliError `not_present`
 */
export function requirePresent(listed: readonly ListedBackup[], backup: BackupId, nowMs: number): void {
  const found = listed.find(({ id }) => id === backup);
  const isGood = found?.made_by === "platform" && !found.destroyed && found.verified_at !== null;
  if (!isGood || nowMs - Date.parse(found.snapshot_at) > presentMsMax)
    throw new CliError(
      "not_present",
      `${backup} is no backup of the last hour that the platform made and read again`,
      2,
    );
}

export const backupList: Verb = {
  name: "backup list",
  summary: "Lists an organisation's backups, the platform's and the operator's, newest first",
  details: "Of the operator's it knows that they were made; where they are, the operator knows.",
  flags: { org: orgFlag("whose"), ...operatorFlags },
  exclusive: operatorExclusive,
  async run(flags, print) {
    const org = await requiredOrg(flags, "org");
    const listed = await failing(() => requirePlatform(flags).list(org));
    for (const { id, snapshot_at, bytes, rows, made_by, destroyed, verified_at } of listed) {
      const state = destroyed
        ? "key destroyed"
        : verified_at === null
          ? "never read again"
          : `read again ${verified_at}`;
      print(`${id}  ${snapshot_at}  ${made_by}  ${rows} rows  ${mebibytes(bytes)}  ${state}`);
    }
    if (listed.length === 0) print("none");
    return 0;
  },
};

export const backupFetch: Verb = {
  name: "backup fetch",
  summary: "Fetches a backup that the platform made, sealed as it lies, into a folder",
  details: [
    "verify and restore take the file like one that this program made; its key is asked for then, from the Sentinel",
    "that runs, and the organisation's log says so. Use of the operator's token is counted, so a large one waits now",
    "and then; rclone from the bucket fetches the same bytes faster.",
  ].join("\n"),
  flags: {
    org: orgFlag("whose"),
    backup: {
      value: "BACKUP",
      help: "bak_…: see backup list",
      refuse: (value) => (platformBackup(value) === null ? "is not the id of a backup (bak_…)" : null),
    },
    to: folderFlag("where the file goes"),
    ...operatorFlags,
  },
  exclusive: operatorExclusive,
  async run(flags, print) {
    const link = requirePlatform(flags);
    const org = await requiredOrg(flags, "org");
    const backup = platformBackup(required(flags, "backup"));
    if (backup === null) throw new CliError("missing_flag", "say --backup", 2);
    const folder = required(flags, "to");
    print(`✓ ${await failing(() => fetchBackup(link, org, backup, folder))}`);
    return 0;
  },
};
