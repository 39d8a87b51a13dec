import { dirname } from "node:path";
import type { BackupId, OrgId } from "../../../core/ids.ts";
import { showBytes } from "../../backup/progress.ts";
import { backUpToFile, restoreFromFile, slugOf, tellHub, verifyFile, type World } from "../../backup/run.ts";
import { readMigrations } from "../../migrate/files.ts";
import { CliError } from "../cli-error.ts";
import { orgFlag, orgOf } from "../organisation.ts";
import type { Flags, Verb } from "../verb.ts";
import { backupFile, failing, folderFlag, openWorld, required, requiredOrg, worldFlags } from "./backup-flags.ts";
import { localFile, platformBackup, requirePlatform, requirePresent } from "./backup-platform.ts";

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
    org: orgFlag("whose, when bak_… stands for FILE and it is not --into's own"),
    before: {
      value: "BACKUP",
      help: "bak_… that the platform made of --into within the hour, in place of backing it up here: for one that keeps its own key",
      refuse: (value) => (platformBackup(value) === null ? "is not the id of a backup (bak_…)" : null),
    },
    ...worldFlags,
  },
  async run(flags, print) {
    const into = await requiredOrg(flags, "into");
    const before = platformBackup(flags["before"] ?? "");
    const world = await openWorld(flags, before === null ? "required" : "optional");
    const whose = flags["org"] === undefined ? into : await orgOf(flags, flags["org"]);
    const source = await failing(() => localFile(flags, required(flags, "file"), whose));
    try {
      return await restoreFile({ world, into, before, file: source.path, flags, print });
    } finally {
      source.forget();
    }
  },
};

interface Restoring {
  readonly world: World;
  readonly into: OrgId;
  /** Null: the present state is backed up here. */
  readonly before: BackupId | null;
  readonly file: string;
  readonly flags: Flags;
  readonly print: (line: string) => void;
}

async function restoreFile({ world, into, before, file, flags, print }: Restoring): Promise<number> {
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
  if (before === null) {
    const folder = flags["to"] ?? (platformBackup(required(flags, "file")) === null ? dirname(file) : ".");
    const kept = await failing(() => backUpToFile(world, into, folder, (n) => showBytes("before", n)));
    print(`✓ the present state is in ${kept.path}`);
  } else {
    const link = requirePlatform(flags);
    requirePresent(await failing(() => link.list(into)), before, Date.now());
    print(`✓ the present state is in ${before}`);
  }
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
}
