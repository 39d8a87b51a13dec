/** What the data Worker's clock does, as it is bundled, on workerd. */

import { randomBytes } from "node:crypto";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { expect, it } from "vitest";
import { bundleWorker } from "../../../scripts/bundle.ts";
import { createDatabase } from "../../../store/connect.ts";
import { parseConfig } from "../../../workers/data/config.ts";
import { findPlacement } from "../../../workers/data/directory.ts";
import { fingerprints } from "../../../workers/data/provisioner/rights/compare.ts";
import { tenantRights } from "../../../workers/data/provisioner/rights/tenant-rights.ts";
import { scopeOf } from "../../support/scopes.ts";
import { gateway, runAs } from "../support.ts";
import { asProvisioner, makeTenants, twoPlacements } from "./migrations-kit.ts";

it("a run of the clock rotates who is ripe, announces who is due, puts rights and passwords back", async () => {
  const world = await twoPlacements();
  const variables = {
    NEON_GATEWAY: gateway,
    ISSUER: world.config.issuer,
    TENANT_DB_ROOT_SECRET: randomBytes(32).toString("base64url"),
    PLACEMENTS: JSON.stringify(Object.fromEntries(world.config.placements)),
    DIRECTORY_DATABASE_URL: world.config.directoryUrl,
  };
  const config = await parseConfig(variables);
  const [ripe, due, bent, locked] = await makeTenants({ ...world, config }, 4);
  const control = world.urls[0].url;
  const set = (columns: string, org: string) =>
    runAs(control, `UPDATE control.organisation_placements SET ${columns} WHERE org_id = $1`, [org]);
  await set("rotating_to = 2, rotating_since = now() - interval '2 minutes', rotating_root = password_root", ripe!.org);
  await set("password_changed_at = now() - interval '90 days'", due!.org);
  await asProvisioner(bent!.url, `ALTER TABLE ${bent!.name}.devices DISABLE ROW LEVEL SECURITY`);
  await runAs((await locked!.connection("owner")).databaseUrl, "ALTER ROLE CURRENT_USER PASSWORD 'mine now'");

  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          name: "data",
          modules: true,
          compatibilityDate: "2026-10-20",
          compatibilityFlags: ["nodejs_compat"],
          script: await bundleWorker(new URL("../../../workers/data/index.ts", import.meta.url).pathname),
          bindings: variables,
          kvNamespaces: { MESH_ROOTS: "mesh-roots" },
        },
      ],
    }),
  );
  try {
    const worker = await miniflare.getWorker("data");
    expect(await worker.scheduled({ cron: "*/5 * * * *" })).toMatchObject({ outcome: "ok" });
  } finally {
    await miniflare.dispose();
  }
  const directory = createDatabase({ url: config.directoryUrl, gateway });
  expect(await findPlacement(directory, scopeOf(ripe!.org))).toMatchObject({ passwordEpoch: 2, rotatingTo: null });
  expect(await findPlacement(directory, scopeOf(due!.org))).toMatchObject({ passwordEpoch: 1, rotatingTo: 2 });
  const provisioner = createDatabase({ url: config.placements.get(bent!.placement)!.provisionerUrl, gateway });
  expect((await fingerprints(provisioner, [bent!.name])).get(bent!.name)).toBe(tenantRights.fingerprint);
  const { databaseUrl } = await locked!.connection("owner");
  expect(await runAs(databaseUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});
