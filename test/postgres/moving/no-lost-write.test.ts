import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { MoveMoment } from "../../../scripts/migrate/tenants/move/run.ts";
import { contentOf } from "../backup/kit.ts";
import { asSuperuser } from "../support.ts";
import {
  apiReader,
  apiWriter,
  createMovers,
  Killed,
  killAt,
  type Movers,
  moveOf,
  other,
  outbox,
  placementOf,
  smallOrganisation,
  type Writer,
  written,
} from "./kit.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let movers: Movers;
beforeAll(async () => {
  movers = await createMovers();
});
afterAll(() => {
  vi.restoreAllMocks();
});

/** Until each of them has been told once more that something is there. */
async function hearMore(...writers: readonly Writer[]): Promise<void> {
  const before = writers.map(({ acknowledged }) => acknowledged.length);
  await vi.waitUntil(() => writers.every(({ acknowledged }, index) => acknowledged.length > (before[index] ?? 0) + 2), {
    timeout: 300_000,
    interval: 20,
  });
}

const moments: readonly (MoveMoment | null)[] = [
  null,
  "announced",
  "closed",
  "frozen",
  "copied",
  "shut_out",
  "switched",
  "recorded",
  "audit_copied",
];

describe("an organisation that is moved while everybody writes", () => {
  it.each(moments)(
    "has every acknowledged write once and in order where it is then, the move killed at: %s",
    async (moment) => {
      const org = await smallOrganisation(movers);
      const source = org.tenant.placement;
      const target = other(source);
      const [program, hub, reader] = [apiWriter(movers, org), outbox(movers, org), apiReader(movers, org)];
      await hearMore(program, hub, reader);
      if (moment !== null) {
        await expect(movers.move(org.id, target, { onMoment: killAt(moment) })).rejects.toThrow(Killed);
        // Whatever state it was left in lasts for a while.
        const reads = reader.acknowledged.length;
        if (moment !== "shut_out")
          await vi.waitUntil(() => reader.acknowledged.length > reads + 2, { timeout: 300_000, interval: 20 });
      }
      await movers.move(org.id, target);
      await hearMore(program, hub, reader);
      await Promise.all([program.stop(), hub.stop(), reader.stop()]);

      expect(await placementOf(org.id)).toEqual({ placement: target, moving_to: null });
      expect(await moveOf(org.id)).toMatchObject({ step: "done", source, target });
      // Also what was taken and whose acknowledgement was lost; never something twice, out of order, or not at all.
      const there = await written(org, target);
      expect(there.groups).toEqual(program.acknowledged);
      expect(there.samples).toEqual(hub.acknowledged);
      // Nothing came to the old place after it was copied: it has the beginning of what the new one has.
      const left = await written(org, source);
      expect(left.groups).toEqual(there.groups.slice(0, left.groups.length));
      expect(left.samples).toEqual(there.samples.slice(0, left.samples.length));
      expect(left.groups.length).toBeLessThan(there.groups.length);
      expect(program.refused.filter((code) => code !== "org_moving" && code !== "unavailable")).toEqual([]);
    },
  );

  it("is copied whole: every table, partition and scope key, as an independent look at both says", async () => {
    const org = await movers.whole.organisation();
    const { tenant } = org;
    const hub = outbox(movers, org);
    await hearMore(hub);
    await hub.stop();
    const target = other(tenant.placement);
    const keyOf = (placement: string) => asSuperuser(`SELECT * FROM ${tenant.name}.scope_key`, [], placement);
    const before = [await contentOf(tenant), await keyOf(tenant.placement)];
    const { rows } = await movers.move(org.id, target);
    expect(rows).toBeGreaterThan(20);
    expect([await contentOf({ ...tenant, placement: target }), await keyOf(target)]).toEqual(before);
    expect([await contentOf(tenant), await keyOf(tenant.placement)]).toEqual(before);
  });

  it("is back where it was after another move, once what the first left is gone", async () => {
    const org = await smallOrganisation(movers);
    const source = org.tenant.placement;
    await movers.move(org.id, other(source));
    await expect(movers.move(org.id, source)).rejects.toThrow("moved_lately");
  });
});
