/** The control plane's own backup. */
import { backUpControl, type ControlBackup, restoreControl, verifyControl } from "../../backup/control-plane.ts";
import { asOwner } from "../../migrate/owner.ts";
import { placementUrls } from "../placements.ts";
import { readPrivateFile } from "../private-file.ts";
import { type Flags, stateFlag, type Verb } from "../verb.ts";
import { backupFile, failing, folderFlag, keyFileFlag, required } from "./backup-flags.ts";

const flags = { "key-file": keyFileFlag, state: stateFlag };
const keyText = (given: Flags): string =>
  readPrivateFile({
    path: required(given, "key-file"),
    code: "bad_key_file",
    whenLeaked: ", and make a new one",
  }).trim();
const controlUrl = (given: Flags): string => placementUrls(given["state"])[0].url;

function describe({ header, streams, rows }: ControlBackup, print: (line: string) => void): void {
  print(`${header.backup} of the control plane, as of ${header.snapshot_at}, migration ${header.schema}`);
  for (const { stream, rows: count, sha256 } of streams) print(`  ${stream.name}  ${count} rows  ${sha256}`);
  print(`✓ whole: ${rows} rows`);
}

export const backupControl: Verb = {
  name: "backup control",
  summary: "Backs the control plane up into one encrypted file, and reads it again",
  details: [
    "People, organisations, their wrapped keys and those of their backups: every table, of one moment. Its key follows",
    "from the key file, for a wrapped one would be lost with the database. A copy holds keys that are shredded later:",
    "keep it no longer than 30 days, and apart from the key file.",
  ].join("\n"),
  flags: { to: folderFlag("where the file goes"), ...flags },
  async run(given, print) {
    const folder = required(given, "to");
    const text = keyText(given);
    const made = await failing(() => asOwner(controlUrl(given), (client) => backUpControl(client, text, folder)));
    print(`✓ ${made.path}: ${made.rows} rows, read again`);
    return 0;
  },
};

export const verifyControlBackup: Verb = {
  name: "verify control",
  summary: "Reads a backup of the control plane from beginning to end, restoring nothing",
  details: "Exit status 1: it is not whole, not what was written, or the key file is another one.",
  argument: backupFile,
  flags,
  async run(given, print) {
    const text = keyText(given);
    describe(await failing(() => verifyControl(required(given, "file"), text)), print);
    return 0;
  },
};

export const restoreControlPlane: Verb = {
  name: "restore control",
  summary: "Restores the control plane into a database that holds nobody yet: all of it, or nothing",
  details: [
    "Into the first database of DATABASE_URLS (or of --state), which may be migrated and has neither people nor",
    "organisations. The file is read whole, then one transaction makes the schema anew at the backup's migration, fills",
    "it and migrates it to the newest. Tenants' schemas are where they were; sessions and keys of then are good again.",
  ].join("\n"),
  argument: backupFile,
  flags,
  async run(given, print) {
    const text = keyText(given);
    const file = required(given, "file");
    const rows = await failing(() => asOwner(controlUrl(given), (client) => restoreControl(client, file, text)));
    print(`✓ the control plane has the ${rows} rows of then`);
    return 0;
  },
};
