import { dirname } from "node:path";
import type { OrgId } from "../../../core/ids.ts";
import { showBytes } from "../../backup/progress.ts";
import { backUpToFile, restoreFromFile, slugOf, tellHub, verifyFile } from "../../backup/run.ts";
import { readMigrations } from "../../migrate/files.ts";
import { CliError } from "../cli-error.ts";
import type { Verb } from "../verb.ts";
import { backupFile, failing, folderFlag, openWorld, orgFlag, required, worldFlags } from "./backup-flags.ts";

const hubVerb = "npm run sentinel -- hub reconcile";

export const restore: Verb = {
  name: "restore",
  summary: "Replaces an organisation's rows by those of a backup: all of them, or none",
  details: [
    "The present state is backed up first, into --to. Then the file is read whole, and only then one transaction",
    "makes the schema anew at the backup's migration, fills it and migrates it to the newest. Requests of that",
    "organisation wait meanwhile. Into another organisation than the backup's (make it first) only while it has no",
    "devices. What the control plane says today holds on: members, roles, policies and API keys are not brought back,",
    "for who was removed since shall stay removed. Last the hub is told which devices, tokens and groups there are now.",
  ].join("\n"),
  argument: backupFile,
  flags: {
    into: orgFlag("whose rows are replaced"),
    confirm: { value: "SLUG", help: "the organisation's slug, to show that it is the one you mean" },
    to: folderFlag("where the backup of the present state goes (default: beside FILE)"),
    ...worldFlags,
  },
  async run(flags, print) {
    const file = required(flags, "file");
    const into = required(flags, "into") as OrgId;
    const world = await openWorld(flags);
    const { header, rows } = await failing(() => verifyFile(world, file));
    const slug = await failing(() => slugOf(world, into));
    if (slug === null) throw new CliError("no_such_organisation", `${into} is not an organisation of this Sentinel`);
    if (flags["confirm"] !== slug) {
      const own = header.org === into ? "" : ` of ${header.org}`;
      throw new CliError(
        "not_confirmed",
        `this would replace everything that ${slug} has by ${rows} rows${own} of ${header.snapshot_at}; say --confirm ${slug}`,
        2,
      );
    }
    const kept = await failing(() =>
      backUpToFile(world, into, flags["to"] ?? dirname(file), (n) => showBytes("before", n)),
    );
    print(`✓ the present state is in ${kept.path}`);
    const restored = await failing(() =>
      restoreFromFile(world, file, into, readMigrations("tenant"), (total) => showBytes("restoring", total)),
    );
    print(`✓ ${slug} has the ${restored.rows} rows of ${header.snapshot_at}`);
    const devices = await failing(() => tellHub(world, into));
    print(
      devices === null
        ? `! its hub was not told: ${hubVerb} --org ${into}`
        : `✓ its hub knows the ${devices} devices of then`,
    );
    return 0;
  },
};
