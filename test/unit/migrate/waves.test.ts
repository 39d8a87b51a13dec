import { describe, expect, it } from "vitest";
import { mixPlacements } from "../../../scripts/migrate/tenants/canary.ts";
import { describeFailure, type TenantOutcome } from "../../../scripts/migrate/tenants/one-tenant.ts";
import type { PlannedTenant } from "../../../scripts/migrate/tenants/plan.ts";
import {
  busyPausesMs,
  firstWaveTenants,
  runWaves,
  waveSizes,
  waveTenantsMax,
} from "../../../scripts/migrate/tenants/waves.ts";

const done: TenantOutcome = { kind: "migrated", number: 1 };
const of = (kind: "busy" | "failed" | "unreachable"): TenantOutcome => ({ kind, file: "f", code: "c", message: "m" });

/** A run over `count` numbered tenants, of which some end otherwise. */
async function run(
  count: number,
  outcome: (tenant: number, tries: number) => TenantOutcome,
  failuresMax = 2,
  atOnce = 4,
) {
  const tries = new Map<number, number>();
  const pauses: number[] = [];
  let [underWay, most] = [0, 0];
  const result = await runWaves(
    Array.from({ length: count }, (_, index) => index),
    { atOnce, failuresMax },
    {
      migrate: async (tenant) => {
        tries.set(tenant, (tries.get(tenant) ?? 0) + 1);
        most = Math.max(most, ++underWay);
        await Promise.resolve();
        underWay -= 1;
        return outcome(tenant, tries.get(tenant) ?? 0);
      },
      onOutcome: () => undefined,
      pause: async (ms) => void pauses.push(ms),
    },
  );
  return { result, tries, pauses, most };
}

describe("waves", () => {
  it("grow from a few to a bound, and cover everybody", () => {
    expect(waveSizes(0)).toEqual([]);
    expect(waveSizes(7)).toEqual([7]);
    expect(waveSizes(1000)).toEqual([10, 40, 160, 250, 250, 250, 40]);
    expect(Math.max(...waveSizes(10_000))).toBe(waveTenantsMax);
  });

  it("take everybody once, never more at once than allowed", async () => {
    const { result, tries, most } = await run(100, () => done);
    expect(result).toEqual({ migrated: 100, failed: [], stopped: null, untried: 0 });
    expect([...tries.values()].every((count) => count === 1)).toBe(true);
    expect(most).toBe(4);
  });

  it("don't begin when the canary fails, and are never reached while it is busy", async () => {
    expect((await run(5, () => of("failed"))).result).toMatchObject({ stopped: "the canary failed", untried: 4 });
    expect((await run(5, () => of("unreachable"))).result).toMatchObject({ stopped: "the canary failed", untried: 4 });
    const busy = await run(5, (tenant) => (tenant === 0 ? of("busy") : done));
    expect(busy.result).toMatchObject({ migrated: 0, stopped: expect.stringMatching(/stayed busy/), untried: 4 });
    expect(busy.pauses).toEqual(busyPausesMs);
  });

  it("go on with as many failures as a wave may have, and end with one more: the next wave never begins", async () => {
    const within = await run(100, (tenant) => (tenant === 3 || tenant === 4 ? of("failed") : done));
    expect(within.result).toMatchObject({ migrated: 98, stopped: null, untried: 0 });
    const beyond = await run(100, (tenant) => (tenant >= 3 && tenant <= 5 ? of("failed") : done), 2, 1);
    expect(beyond.result).toMatchObject({ stopped: "3 tenants of one wave failed" });
    expect(Math.max(...beyond.tries.keys())).toBe(5);
    expect(beyond.result.untried).toBe(100 - 6);
  });

  it("end early when a cluster is not reached: asking each of its tenants would find the same", async () => {
    const { result, tries } = await run(1000, (tenant) => (tenant === 0 ? done : of("unreachable")));
    expect(result.stopped).not.toBeNull();
    expect(tries.size).toBeLessThanOrEqual(1 + firstWaveTenants);
  });

  it("come back to who was busy, later and later, and report who stays so", async () => {
    const { result, tries, pauses } = await run(50, (tenant, tried) =>
      tenant === 7 && tried < 3 ? of("busy") : tenant === 9 ? of("busy") : done,
    );
    expect(tries.get(7)).toBe(3);
    expect(tries.get(9)).toBe(1 + busyPausesMs.length);
    expect(pauses).toEqual(busyPausesMs);
    expect(result).toMatchObject({ migrated: 49, stopped: null, untried: 0 });
    expect(result.failed.map(({ tenant, kind }) => [tenant, kind])).toEqual([[9, "busy"]]);
  });

  it("mix the placements, so that no cluster gets a wave alone", () => {
    const tenant = (placement: string, org: string) => ({ placement, org }) as unknown as PlannedTenant;
    const mixed = mixPlacements([tenant("a", "1"), tenant("a", "2"), tenant("a", "3"), tenant("b", "4")]);
    expect(mixed.map(({ org }) => org)).toEqual(["1", "4", "2", "3"]);
  });
});

describe("what stopped a tenant", () => {
  const error = (fields: Record<string, string>) => Object.assign(new Error("m"), { severity: "ERROR", ...fields });

  it.each([
    ["busy", error({ code: "55P03" })],
    ["busy", error({ code: "25P04" })],
    ["busy", error({ code: "40P01" })],
    ["busy", error({ code: "23505", constraint: "schema_migrations_pkey" })],
    ["failed", error({ code: "23505", constraint: "groups_name_key" })],
    ["failed", error({ code: "42P07" })],
    ["failed", error({ code: "42501" })],
    ["unreachable", error({ code: "53300" })],
    ["unreachable", error({ code: "57P01" })],
    ["unreachable", Object.assign(new Error("m"), { code: "ECONNREFUSED" })],
    ["unreachable", new Error("Connection terminated unexpectedly")],
  ])("is %s", (kind, thrown) => {
    expect(describeFailure(thrown, "f")).toMatchObject({ kind, message: thrown.message });
  });
});
