import { randomBytes } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { sql } from "../../../store/connect.ts";
import { asSuperuser, controlDatabase } from "../support.ts";
import { createHarness, type Harness } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

type Org = Awaited<ReturnType<Harness["newOrg"]>>;

/** As the operator's backups leave them (scripts/backup/custody.ts). */
async function backedUp(org: Org, count: number): Promise<string[]> {
  // The stand-in of the provisioner reserves nothing; a placement of its own, so that no slot is anybody else's.
  const placement = `b-${randomBytes(6).toString("hex")}`;
  await asSuperuser("INSERT INTO control.placements (name, tenants_max) VALUES ($1, 0)", [placement]);
  await asSuperuser("INSERT INTO control.organisation_placements (org_id, placement, slot) VALUES ($1, $2, 1)", [
    org.id,
    placement,
  ]);
  const ids = Array.from({ length: count }, (_, n) => makeId("backup", 1_790_000_000_000 + n, randomBytes(10)));
  for (const id of ids)
    await asSuperuser(
      `INSERT INTO control.backups (id, org_id, wrapped_key, tenant_schema, snapshot_at, bytes, rows, sha256, verified_at)
       VALUES ($1, $2, 'the-wrapped-key', 6, '2026-11-22 10:00Z', 5000000000, 12, repeat('0', 64), '2026-11-22 10:01Z')`,
      [id, org.id],
    );
  return ids.toReversed();
}
const list = (org: Org, token: string, query = "") =>
  studio.send("GET", `/api/v1/orgs/${org.slug}/backups${query}`, { token });

it("shows owners and administrators what backups there are, newest first, and no key", async () => {
  const org = await studio.newOrg();
  const ids = await backedUp(org, 3);
  for (const token of [org.owner.token, (await studio.newMember(org, "admin")).token]) {
    const { status, body } = await list(org, token);
    expect(status).toBe(200);
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual(ids);
    expect(body.items[0]).toEqual({
      id: ids[0],
      snapshot_at: "2026-11-22T10:00:00.000Z",
      created_at: expect.any(String),
      bytes: 5_000_000_000,
      rows: 12,
      verified_at: "2026-11-22T10:01:00.000Z",
      destroyed: false,
      made_by: "operator",
    });
    expect(JSON.stringify(body)).not.toContain("the-wrapped-key");
  }
  const first = await list(org, org.owner.token, "?limit=2");
  expect(first.body.items).toHaveLength(2);
  const rest = await list(org, org.owner.token, `?limit=2&cursor=${first.body.next_cursor}`);
  expect(rest.body.items.map(({ id }: { id: string }) => id)).toEqual([ids[2]]);
});

it("says of one whose key was shredded that it is destroyed", async () => {
  const org = await studio.newOrg();
  await backedUp(org, 1);
  await asSuperuser("UPDATE control.backups SET wrapped_key = NULL WHERE org_id = $1", [org.id]);
  expect((await list(org, org.owner.token)).body.items).toMatchObject([{ destroyed: true }]);
});

it.each(["analyst", "viewer", "readonly"] as const)("shows a member who is %s nothing of it", async (role) => {
  const org = await studio.newOrg();
  await backedUp(org, 1);
  expect((await list(org, (await studio.newMember(org, role)).token)).status).toBe(403);
});

it("shows nobody another organisation's", async () => {
  const [org, other] = [await studio.newOrg(), await studio.newOrg()];
  await backedUp(other, 1);
  expect((await list(org, org.owner.token)).body.items).toEqual([]);
  expect((await list(other, org.owner.token)).status).toBe(404);
  // The wrapped key is out of studio's own reach, whatever it asks.
  await expect(controlDatabase.query(sql`SELECT wrapped_key FROM control.backups`)).rejects.toMatchObject({
    code: "42501",
  });
});
