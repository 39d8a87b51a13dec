import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeId, type OrgId } from "../../../core/ids.ts";
import { sql } from "../../../store/connect.ts";
import { shredDataKeys } from "../../../store/control/data-keys.ts";
import { scopeOf } from "../../support/scopes.ts";
import { asSuperuser, controlDatabase, directoryDatabase, freshTenant } from "../support.ts";

const keysOf = (org: OrgId): Promise<unknown[]> =>
  asSuperuser("SELECT id FROM control.data_keys WHERE org_id = $1", [org]);

async function withKeys(count: number): Promise<OrgId> {
  const { org } = await freshTenant();
  await asSuperuser("INSERT INTO control.encryption_settings (org_id, version) VALUES ($1, 1)", [org]);
  for (let index = 0; index < count; index += 1) {
    const id = makeId("dataKey", Date.now(), randomBytes(10));
    await asSuperuser("INSERT INTO control.data_keys (id, org_id, wrapped) VALUES ($1, $2, 'wrapped')", [id, org]);
  }
  return org;
}

describe("shredding", () => {
  it.each([
    ["studio's", controlDatabase],
    ["the directory's", directoryDatabase],
  ])(
    "deletes every key of one organisation and nobody else's, as %s role; a second time it does nothing",
    async (_, database) => {
      const [org, other] = [await withKeys(3), await withKeys(1)];
      expect(await shredDataKeys(database, scopeOf(org))).toBe(3);
      expect(await keysOf(org)).toHaveLength(0);
      expect(await keysOf(other)).toHaveLength(1);
      expect(await shredDataKeys(database, scopeOf(org))).toBe(0);
    },
  );

  it("marks an organisation that never had a key", async () => {
    const { org } = await freshTenant();
    expect(await shredDataKeys(controlDatabase, scopeOf(org))).toBe(0);
    const [row] = await asSuperuser("SELECT shredded_at FROM control.encryption_settings WHERE org_id = $1", [org]);
    expect(row?.["shredded_at"]).toBeInstanceOf(Date);
  });

  it("studio's role reads no wrapped key", async () => {
    await expect(controlDatabase.query(sql`SELECT wrapped FROM control.data_keys`)).rejects.toThrow("42501");
    await expect(
      controlDatabase.query(sql`SELECT keeper_credentials FROM control.encryption_settings`),
    ).rejects.toThrow("42501");
  });
});
