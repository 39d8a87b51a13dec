import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { type HubRange, hubRangeItemsMax } from "../../../core/rpc/hub-backup.ts";
import { type HubLink, reconcileHub } from "../../../scripts/backup/hub-link.ts";
import { asSuperuser, freshTenant } from "../support.ts";
import { ownerOf } from "./kit.ts";

const id = (kind: "device" | "group" | "enrollmentCode"): string => makeId(kind, Date.now(), randomBytes(10));

it("tells a hub of every device and group in ranges that leave no gap, each within what one call takes", {
  timeout: 300_000,
}, async () => {
  const tenant = await freshTenant();
  const { name, placement } = tenant;
  const [devices, groups, code] = [
    Array.from({ length: 2 * hubRangeItemsMax + 1 }, () => id("device")),
    Array.from({ length: 9 }, () => id("group")),
    id("enrollmentCode"),
  ];
  await asSuperuser(
    `INSERT INTO ${name}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
     VALUES ('${code}', repeat('0', 64), 'c', now(), 1, 'usr')`,
    [],
    placement,
  );
  await asSuperuser(
    `INSERT INTO ${name}.devices (id, name, platform, token_sha256, enrollment_code_id)
     SELECT d, 'pc', 'linux', encode(sha256(d::bytea), 'hex'), $2 FROM unnest($1::text[]) d`,
    [devices, code],
    placement,
  );
  await asSuperuser(`INSERT INTO ${name}.groups (id, name) SELECT g, g FROM unnest($1::text[]) g`, [groups], placement);
  await asSuperuser(
    `INSERT INTO ${name}.group_devices SELECT g.id, d.id FROM ${name}.groups g, ${name}.devices d`,
    [],
    placement,
  );

  const told: HubRange[] = [];
  const link = { reconcile: async (_org, range) => void told.push(range) } as Partial<HubLink> as HubLink;
  const client = await ownerOf(tenant);
  try {
    expect(await reconcileHub(link, client, tenant.org)).toBe(devices.length);
  } finally {
    await client.end();
  }
  for (const kind of ["devices", "groups"] as const) {
    const ranges = told.filter((range) => range.kind === kind);
    expect(ranges.length).toBeGreaterThan(1);
    expect([ranges[0]!.after, ranges.at(-1)!.until]).toEqual([null, null]);
    for (const [index, range] of ranges.entries()) if (index > 0) expect(range.after).toBe(ranges[index - 1]!.until);
    expect(Math.max(...ranges.map((range) => JSON.stringify(range).length))).toBeLessThan(64 * 1024);
  }
  const found = told.flatMap((range) =>
    range.kind === "devices" ? range.devices.map(({ device }) => device as string) : [],
  );
  expect(found).toEqual(devices.toSorted());
  const grouped = told.flatMap((range) => (range.kind === "groups" ? range.groups : []));
  expect(grouped.map(({ group }) => group as string)).toEqual(groups.toSorted());
  for (const group of grouped) expect(group.devices as readonly string[]).toEqual(devices.toSorted());
});
