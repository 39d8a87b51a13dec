import { createNeonPointInTime, neonApi } from "../../backup/point-in-time.ts";
import { showBytes } from "../../backup/progress.ts";
import { atMoment, backUpToFile, everyOrganisation, placementUrlOf, type World } from "../../backup/run.ts";
import { CliError } from "../cli-error.ts";
import { orgFlag, orgOf } from "../organisation.ts";
import type { Flags, Verb } from "../verb.ts";
import { failing, folderFlag, openWorld, required, requiredOrg, worldFlags } from "./backup-flags.ts";

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** Backs organisations up, one after the other, each in one snapshot. */
export const backup: Verb = {
  name: "backup",
  summary: "Backs an organisation up, or every one, into encrypted files, and reads each again",
  details: [
    "A file holds every row of the organisation's schema as of one moment, what the control plane knows of it (no",
    "password, no secret), its audit log, and what its hub holds; compressed, AES-256-GCM in chunks. Its key lies",
    "wrapped in the control plane, so both that row and the key file are needed to open it. Without --state it reads",
    "DATABASE_URLS, and asks the hub at --url; without that either the hub is left out, and the output says so. With --all one that fails does not stop the others; exit",
    "status 1 says that one did. docs/runbooks/backup.md says how to run it on a schedule and to R2.",
  ].join("\n"),
  flags: {
    org: orgFlag("the organisation"),
    all: { value: null, help: "every organisation" },
    to: folderFlag("where the files go"),
    at: {
      value: "MOMENT",
      help: "as it was then (RFC 3339), by the history that Neon keeps; with --org, --neon-project and NEON_API_KEY",
      refuse: (value) =>
        /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))
          ? null
          : "is not a moment (2026-11-22T10:00:00Z)",
    },
    "neon-project": {
      value: "PROJECT",
      help: "the Neon project of the organisation's placement",
      refuse: (value) => (/^[a-z0-9-]{1,64}$/.test(value) ? null : "is not the id of a project"),
    },
    ...worldFlags,
  },
  exclusive: ["org", "all"],
  examples: ["backup --all --to /srv/backups --key-file /etc/sentinel/backup.key"],
  async run(flags, print) {
    const { org, all } = flags;
    if (org === undefined && all === undefined) throw new CliError("missing_flag", "say --org ORG or --all", 2);
    const folder = required(flags, "to");
    const world = await openWorld(flags);
    const orgs = org === undefined ? await failing(() => everyOrganisation(world)) : [await orgOf(flags, org)];
    if (flags["at"] !== undefined) return backUpPast(flags, world, flags["at"], folder, print);
    let failed = 0;
    for (const each of orgs) {
      try {
        const progress = (total: number): ReturnType<typeof showBytes> => showBytes(each, total);
        const { path, bytes, rows } = await failing(() => backUpToFile(world, each, folder, progress));
        print(
          `✓ ${path}: ${rows} rows, ${mebibytes(bytes)}, read again${world.hub === null ? ", without its hub" : ""}`,
        );
      } catch (error) {
        if (org !== undefined || !(error instanceof CliError)) throw error;
        failed += 1;
        print(`✗ ${each} ${error.code}: ${error.message}`);
      }
    }
    if (org === undefined) print(`${orgs.length - failed} of ${orgs.length} organisations backed up`);
    return failed === 0 ? 0 : 1;
  },
};

/** One organisation at a moment of its placement's history, without its hub. */
async function backUpPast(
  flags: Flags,
  world: World,
  moment: string,
  folder: string,
  print: (line: string) => void,
): Promise<number> {
  const org = await requiredOrg(flags, "org");
  const project = required(flags, "neon-project");
  const key = process.env["NEON_API_KEY"];
  if (key === undefined) throw new CliError("missing_key", "NEON_API_KEY is not set", 2);
  const ownerUrl = await failing(() => placementUrlOf(world, org));
  const history = createNeonPointInTime({ api: neonApi, key, project, ownerUrl, now: Date.now });
  const { path, rows, bytes } = await failing(() =>
    atMoment(history, moment, (then) => backUpToFile(world, org, folder, (total) => showBytes(org, total), then)),
  );
  print(`✓ ${path}: ${rows} rows as of ${moment}, ${mebibytes(bytes)}, read again, without its hub`);
  return 0;
}
