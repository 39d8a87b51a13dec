import { verifyFile } from "../../backup/run.ts";
import { stateFlag, type Verb } from "../verb.ts";
import { backupFile, failing, keyFileFlag, openWorld, required } from "./backup-flags.ts";

export const verifyBackup: Verb = {
  name: "verify",
  summary: "Reads a backup from beginning to end, restoring nothing, and says what is in it",
  details:
    "Every chunk is opened, every stream counted and hashed. Exit status 1: it is not whole, not what was written, or its key is gone.",
  argument: backupFile,
  flags: { "key-file": keyFileFlag, state: stateFlag },
  async run(flags, print) {
    const world = await openWorld(flags);
    const { header, streams, rows, bytes, elapsedMs } = await failing(() => verifyFile(world, required(flags, "file")));
    print(`${header.backup} of ${header.org}, as of ${header.snapshot_at}, migration ${header.schema}`);
    for (const { stream, rows: count, sha256 } of streams) print(`  ${stream.name}  ${count} rows  ${sha256}`);
    const perSecond = bytes / 1024 / 1024 / (elapsedMs / 1000);
    print(`✓ whole: ${rows} rows, ${(bytes / 1024 / 1024).toFixed(1)} MiB at ${perSecond.toFixed(1)} MiB/s`);
    return 0;
  },
};
