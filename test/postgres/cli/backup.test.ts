import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openBackup } from "../../../core/backup/read.ts";
import { createSentinelKeeper } from "../../../core/crypto/sentinel-keeper.ts";
import type { OrgId } from "../../../core/ids.ts";
import { keyOf } from "../../../scripts/backup/custody.ts";
import { newSha256 } from "../../../scripts/backup/running-hash.ts";
import { createDatabase, sql } from "../../../store/connect.ts";
import { shredDataKeys } from "../../../store/control/data-keys.ts";
import { type PlacementDatabases, runOn } from "../../support/placement-databases.ts";
import { scopeOf } from "../../support/scopes.ts";
import { addDevices, type MadeTenant, makeTenants, twoPlacements } from "../data/migrations-kit.ts";
import { newDeviceId } from "../data/support.ts";
import { connect, gateway, newOrgId, newUserId, setup } from "../support.ts";
import { runCli } from "./run-cli.ts";

const slow = { timeout: 300_000 };
let folder: string;
let key: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-backup-"));
  key = join(folder, "backup.key");
  expect(runCli(["backup", "make-key", key])).toMatchObject({ status: 0 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const urlsOf = (world: PlacementDatabases): NodeJS.ProcessEnv => ({
  DATABASE_URLS: JSON.stringify(Object.fromEntries(world.urls.map(({ name, url }) => [name, url]))),
});
const files = (): string[] =>
  readdirSync(join(folder, "to"))
    .map((name) => join(folder, "to", name))
    .sort();
const to = (): string[] => ["--to", join(folder, "to"), "--key-file", key];

/** Organisations as studio makes them, each with an owner and two devices. */
async function organisations(
  count: number,
): Promise<{ world: PlacementDatabases; tenants: MadeTenant[]; controlUrl: string }> {
  const world = await twoPlacements();
  const controlUrl = world.urls[0]!.url;
  const tenants = await makeTenants(world, count);
  for (const [index, tenant] of tenants.entries()) {
    const owner = newUserId();
    await runOn(
      controlUrl,
      "INSERT INTO control.users (id, email, name, password_hash, created_at) VALUES ($1, $2, 'Owner', 'scrypt-of-a-secret', now())",
      [owner, `owner-${tenant.org}@example.org`],
    );
    await runOn(
      controlUrl,
      "INSERT INTO control.organisations (id, slug, name, status, created_by, created_at) VALUES ($1, $2, 'School', 'active', $3, now())",
      [tenant.org, `school-${index + 1}`, owner],
    );
    await runOn(
      controlUrl,
      "INSERT INTO control.memberships (org_id, user_id, role, created_at) VALUES ($1, $2, 'owner', now())",
      [tenant.org, owner],
    );
    await addDevices(tenant, [newDeviceId(), newDeviceId()]);
  }
  return { world, tenants, controlUrl };
}
const namesOf = async (tenant: MadeTenant): Promise<unknown[]> =>
  (await tenant.run("system", sql`SELECT id, token_sha256 FROM devices ORDER BY id`))[0]!;

/** What a file holds, stream by stream. */
async function contentOf(path: string, controlUrl: string): Promise<Map<string, string>> {
  const control = await connect(controlUrl);
  try {
    const keeper = await createSentinelKeeper(readFileSync(key, "utf8").trim(), null, (n) =>
      crypto.getRandomValues(new Uint8Array(n)),
    );
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield readFileSync(path);
    }
    const opened = await openBackup(bytes());
    const found = new Map<string, string>();
    let name = "";
    for await (const event of opened.events(await keyOf(control, keeper, null, opened.header), newSha256)) {
      if (event.kind === "begin") ({ name } = event.stream);
      if (event.kind === "rows") found.set(name, (found.get(name) ?? "") + Buffer.from(event.lines).toString());
    }
    return found;
  } finally {
    await control.end();
  }
}

describe("sentinel backup, verify and restore", () => {
  it("backs every organisation up, verifies the files, and brings back what was lost", slow, async () => {
    const { world, tenants, controlUrl } = await organisations(3);
    const done = runCli(["backup", "--all", ...to()], urlsOf(world));
    expect(done).toMatchObject({ status: 0, stdout: expect.stringContaining("3 of 3 organisations backed up") });
    expect(done.stderr).toMatch(/^org_[0-9a-z]{26} [\d.]+ MiB, [\d.]+ MiB\/s$/m);
    expect(files()).toHaveLength(3);
    for (const path of files()) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(runCli(["verify", path, "--key-file", key], urlsOf(world))).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/ {2}devices {2}2 rows {2}[0-9a-f]{64}\n[\s\S]*✓ whole: \d+ rows/),
      });
    }
    const rows = await runOn<{ verified: boolean }>(
      controlUrl,
      "SELECT verified_at IS NOT NULL AS verified FROM control.backups",
    );
    expect(rows.map(({ verified }) => verified)).toEqual([true, true, true]);

    const [tenant] = tenants;
    const before = await namesOf(tenant!);
    await tenant!.run("system", sql`DELETE FROM devices`);
    expect(await namesOf(tenant!)).toEqual([]);
    const path = files().find((name) => name.includes(tenant!.org))!;
    const restore = ["restore", path, "--into", "school-1", ...to()];
    const asked = runCli(restore, urlsOf(world));
    expect(asked).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^not_confirmed: .*everything that school-1 has/),
    });
    expect(await namesOf(tenant!)).toEqual([]);
    const restored = runCli([...restore, "--confirm", "school-1"], urlsOf(world));
    expect(restored).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/present state is in .*\n✓ school-1 has the \d+ rows/),
    });
    // Tokens are checked against these hashes.
    expect(await namesOf(tenant!)).toEqual(before);
    expect(before).toHaveLength(2);
    expect(files()).toHaveLength(4);
  });

  it("takes members and policies along, and no secret of anybody's", slow, async () => {
    const { world, tenants, controlUrl } = await organisations(1);
    expect(runCli(["backup", "--org", "school-1", ...to()], urlsOf(world)).status).toBe(0);
    expect(runCli(["backup", "--org", "school-2", ...to()], urlsOf(world))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^no_such_organisation: school-2 /),
    });
    expect(files()).toHaveLength(1);
    const content = await contentOf(files()[0]!, controlUrl);
    expect(content.get("$control.memberships")).toContain("\towner\t");
    expect(content.get("$control.users")).toContain(`owner-${tenants[0]!.org}@example.org`);
    expect([...content.values()].join()).not.toContain("scrypt-of-a-secret");
  });

  it(
    "opens no backup whose key was destroyed, by row or by shredding the organisation's keys, and makes no further one",
    slow,
    async () => {
      const { world, tenants, controlUrl } = await organisations(2);
      expect(runCli(["backup", "--all", ...to()], urlsOf(world)).status).toBe(0);
      const verify = (path: string): ReturnType<typeof runCli> =>
        runCli(["verify", path, "--key-file", key], urlsOf(world));
      const [first, second] = tenants.map(({ org }) => files().find((name) => name.includes(org))!);
      await runOn(controlUrl, "UPDATE control.backups SET wrapped_key = NULL WHERE org_id = $1", [tenants[0]!.org]);
      expect(verify(first!)).toMatchObject({ status: 1, stderr: expect.stringMatching(/^key_destroyed: /) });
      expect(verify(second!).status).toBe(0);
      await shred(controlUrl, tenants[1]!.org);
      expect(verify(second!)).toMatchObject({ status: 1, stderr: expect.stringMatching(/^key_destroyed: /) });
      expect(await runOn(controlUrl, "SELECT FROM control.backups WHERE wrapped_key IS NOT NULL")).toEqual([]);
      const again = runCli(["backup", "--org", tenants[1]!.org, ...to()], urlsOf(world));
      expect(again).toMatchObject({ status: 1, stderr: expect.stringMatching(/^keys_shredded: /m) });
      // Whoever goes past this program is stopped by the table.
      const row = runOn(
        controlUrl,
        "INSERT INTO control.backups (id, org_id, wrapped_key, tenant_schema, snapshot_at, bytes, rows, sha256) VALUES ('bak_' || repeat('0', 26), $1, 'x', 1, now(), 1, 1, repeat('0', 64))",
        [tenants[1]!.org],
      );
      await expect(row).rejects.toMatchObject({ code: "23514" });
    },
  );

  it("opens nothing with another key file, a key of another backup, or behind a forged header", slow, async () => {
    const { world, tenants, controlUrl } = await organisations(2);
    expect(runCli(["backup", "--all", ...to()], urlsOf(world)).status).toBe(0);
    const [path, other] = files();
    const stranger = join(folder, "stranger.key");
    runCli(["backup", "make-key", stranger]);
    expect(runCli(["verify", path!, "--key-file", stranger], urlsOf(world))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^wrong_key_file: /),
    });
    // Keys exchanged between two rows: each is bound to its organisation and backup.
    await runOn(
      controlUrl,
      "UPDATE control.backups b SET wrapped_key = o.wrapped_key FROM control.backups o WHERE o.id <> b.id",
    );
    expect(runCli(["verify", path!, "--key-file", key], urlsOf(world))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^wrong_key_file: /),
    });
    await runOn(
      controlUrl,
      "UPDATE control.backups b SET wrapped_key = o.wrapped_key FROM control.backups o WHERE o.id <> b.id",
    );
    const forged = readFileSync(path!);
    const [mine, theirs] = [tenants[0]!.org, tenants[1]!.org].toSorted();
    expect(path).toContain(mine);
    forged.write(theirs!, forged.indexOf(mine!));
    writeFileSync(other!, forged);
    expect(
      runCli(["restore", other!, "--into", theirs!, "--key-file", key, "--confirm", "school-2"], urlsOf(world)),
    ).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^other_header: /),
    });
    expect(runCli(["verify", path!, "--key-file", key], urlsOf(world)).status).toBe(0);
  });

  it("makes no backup under a key that an organisation keeps itself", slow, async () => {
    const { world, tenants, controlUrl } = await organisations(1);
    await runOn(
      controlUrl,
      "INSERT INTO control.encryption_settings (org_id, version, keeper, keeper_credentials) VALUES ($1, 1, 'https', 'sealed')",
      [tenants[0]!.org],
    );
    expect(runCli(["backup", "--org", tenants[0]!.org, ...to()], urlsOf(world))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^own_keeper: /m),
    });
  });

  it(
    "goes on with the others when one organisation can't be backed up, leaves no half of a file, and says so",
    slow,
    async () => {
      const { world, tenants } = await organisations(2);
      await runOn(
        tenants[0]!.url,
        `SET ROLE sentinel_provisioner; DROP POLICY backup_read ON ${tenants[0]!.name}.commands`,
      );
      const done = runCli(["backup", "--all", ...to()], urlsOf(world));
      expect(done).toMatchObject({
        status: 1,
        stdout: expect.stringContaining(`✗ ${tenants[0]!.org} unreadable_table: commands`),
      });
      expect(done.stdout).toContain("1 of 2 organisations backed up");
      expect(files()).toHaveLength(1);
    },
  );

  it("refuses a key file that others can read or that holds none, and never says an address", slow, async () => {
    const closed = { DATABASE_URLS: JSON.stringify({ a: "postgres://owner:do-not-show@127.0.0.1:9/sentinel" }) };
    const run = (): ReturnType<typeof runCli> => runCli(["backup", "--org", newOrgId(), ...to()], closed);
    expect(run()).toMatchObject({ status: 1, stderr: expect.stringMatching(/^backup_failed: ECONNREFUSED/) });
    expect(run().stderr).not.toContain("do-not-show");
    expect(runCli(["backup", "make-key", key])).toMatchObject({ status: 1, stderr: expect.stringContaining("EEXIST") });
    chmodSync(key, 0o644);
    expect(run()).toMatchObject({ status: 1, stderr: expect.stringMatching(/^bad_key_file: .*chmod 600/) });
    writeFileSync(key, "short\n", { mode: 0o600 });
    chmodSync(key, 0o600);
    expect(run()).toMatchObject({ status: 1, stderr: expect.stringMatching(/^bad_key_file: .*32 bytes/) });
  });
});

/** As the role of studio, in this world's control plane. */
function shred(controlUrl: string, org: OrgId): Promise<number> {
  const url = new URL(setup.controlUrl);
  url.pathname = new URL(controlUrl).pathname;
  return shredDataKeys(createDatabase({ url: url.href, gateway }), scopeOf(org));
}
