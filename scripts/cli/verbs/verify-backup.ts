import { verifyFile } from "../../backup/run.ts";
import { orgFlag } from "../organisation.ts";
import type { Verb } from "../verb.ts";
import { backupFile, failing, openWorld, required, worldFlags } from "./backup-flags.ts";
import { localFile } from "./backup-platform.ts";

export const verifyBackup: Verb = {
  name: "verify",
  summary: "Reads a backup from beginning to end, restoring nothing, and says what is in it",
  details:
    "Every chunk is opened, every stream counted and hashed. Exit status 1: it is not whole, not what was written, or its key is gone.",
  argument: backupFile,
  flags: { org: orgFlag("whose, when the platform made it and bak_… stands for FILE"), ...worldFlags },
  async run(flags, print) {
    const world = await openWorld(flags, "optional");
    const file = await failing(() => localFile(flags, required(flags, "file")));
    const { header, streams, rows, bytes, elapsedMs } = await failing(() => verifyFile(world, file.path)).finally(
      file.forget,
    );
    print(`${header.backup} of ${header.org}, as of ${header.snapshot_at}, migration ${header.schema}`);
    for (const { stream, rows: count, sha256 } of streams) print(`  ${stream.name}  ${count} rows  ${sha256}`);
    const perSecond = bytes / 1024 / 1024 / (elapsedMs / 1000);
    print(`✓ whole: ${rows} rows, ${(bytes / 1024 / 1024).toFixed(1)} MiB at ${perSecond.toFixed(1)} MiB/s`);
    return 0;
  },
};
