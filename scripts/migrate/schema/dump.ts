/**
 * `node scripts/migrate/schema/dump.ts`: writes the dump of every version that has none, and the rights of tenants'
 * newest version for the data Worker, from an embedded server of its own. A version that has one is never written again unless it is named, because its file may have
 * been applied somewhere: `--replace tenant/0003`, for a file that has left nobody's machine.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bootstrapPlacements, makeBootstrapSecrets } from "../../postgres/bootstrap.ts";
import { startCluster } from "../../postgres/embedded.ts";
import { fourDigits, readMigrations } from "../files.ts";
import { makePassword } from "../role-passwords.ts";
import { changedFiles, type DumpedSet, dumpedSets, readDump, writeDump } from "./dumps.ts";
import { emptyDatabase } from "./empty-database.ts";
import { writeRights } from "./rights.ts";
import { describeTenantVersions, describeVersions, newestTenantRights } from "./versions.ts";

const { values } = parseArgs({ options: { replace: { type: "string", multiple: true, default: [] } } });

const folder = mkdtempSync(join(tmpdir(), "sentinel-dump-"));
const superuserPassword = makePassword();
const cluster = await startCluster({
  dir: join(folder, "one"),
  stateDir: folder,
  port: 0,
  superuserPassword,
  log: () => undefined,
});
try {
  const { ownerUrls } = await bootstrapPlacements({
    clusters: [{ name: "one", port: cluster.port, superuserPassword }],
    secrets: makeBootstrapSecrets(["one"]),
  });
  const ownerUrl = ownerUrls["one"] ?? "";
  for (const set of dumpedSets) {
    const versions =
      set === "tenant"
        ? await describeTenantVersions(ownerUrl)
        : await describeVersions(await emptyDatabase(ownerUrl), set);
    writeMissing(set, versions);
    for (const line of changedFiles(set)) {
      console.error(line);
      process.exitCode = 1;
    }
  }
  writeRights(await newestTenantRights(ownerUrl));
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

function writeMissing(set: DumpedSet, versions: readonly (readonly string[])[]): void {
  for (const { number, name, checksum } of readMigrations(set)) {
    const named = values.replace.includes(`${set}/${fourDigits(number)}`);
    if (readDump(set, number) !== null && !named) continue;
    writeDump(set, number, { file: name, checksum, schema: versions[number - 1] ?? [] });
    console.log(`wrote the dump of migrations/${set}/${name}`);
  }
}
