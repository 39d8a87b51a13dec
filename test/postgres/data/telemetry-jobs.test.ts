import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { sql } from "../../../store/connect.ts";
import { runScheduled } from "../../../workers/data/scheduled.ts";
import { dueOrganisations } from "../../../workers/data/telemetry-jobs/due.ts";
import { tendTelemetry, workPerCall } from "../../../workers/data/telemetry-jobs/tend.ts";
import { scopeOf } from "../../support/scopes.ts";
import { asSuperuser, directoryDatabase, type FreshTenant, freshTenant, newUserId, setup } from "../support.ts";
import { createDataWorld, type DataWorld, newDeviceId } from "./support.ts";
import { asOwner, hourMs, midnight, plainModel, rolledUp, type Sample, store } from "./telemetry-kit.ts";

let world: DataWorld;
let tenants: FreshTenant[];
const device = newDeviceId();
const sample = (id: string, atMs: number): Sample => ({ device, id, atMs, metrics: { cpu: 2 } });
/** These were left alone longest, and so are the only ones that a run of as many visits comes to. */
const theseAreDue = (orgs: readonly OrgId[]) =>
  asSuperuser(
    `INSERT INTO control.telemetry_jobs SELECT unnest($1::text[]), '-infinity'
     ON CONFLICT (org_id) DO UPDATE SET ran_at = EXCLUDED.ran_at`,
    [orgs],
  );
const run = (visits: number) => runScheduled(world.unit, { runMs: 60_000, visits });
const marked = async (tenant: FreshTenant) =>
  (await tenant.run("system", null, sql`SELECT FROM telemetry_dirty`))[0]?.length;

beforeAll(async () => {
  world = await createDataWorld();
});
beforeEach(async () => {
  tenants = [await freshTenant(), await freshTenant(), await freshTenant()];
  for (const tenant of tenants) await store(tenant, [sample("a", midnight(2)), sample("b", midnight(2) + hourMs)]);
});

describe("the telemetry job", () => {
  it("rolls up everybody's hours, and is done", async () => {
    await theseAreDue(tenants.map(({ org }) => org));
    await run(3);
    for (const tenant of tenants) {
      const samples = [sample("a", midnight(2)), sample("b", midnight(2) + hourMs)];
      expect(await rolledUp(tenant, "hour")).toEqual(plainModel(samples, "hour"));
      expect(await marked(tenant)).toBe(0);
    }
  });

  it.each(["suspended", "deleting"])(
    "leaves one that is %s as it is, and comes back when it is open again",
    async (status) => {
      const orgs = tenants.map(({ org }) => org);
      const [shut] = orgs;
      await theseAreDue(orgs);
      const user = newUserId();
      await asSuperuser(
        `WITH person AS (
         INSERT INTO control.users (id, email, name, created_at) VALUES ($1, $1 || '@people.test', 'x', now()))
       INSERT INTO control.organisations (id, slug, name, status, suspended_at, created_by, created_at)
       VALUES ($2, $3, 'x', $4, now(), $1, now())`,
        [user, shut, `shut-${shut?.slice(-20)}`, status],
      );
      const due = async () =>
        (await dueOrganisations(directoryDatabase, Object.keys(setup.placements), 3)).map(({ org }) => org);
      const others = await due();
      expect(others).not.toContain(shut);
      expect(others).toEqual(expect.arrayContaining(orgs.slice(1)));
      await asSuperuser("UPDATE control.organisations SET status = 'active' WHERE id = $1", [shut]);
      expect(await due()).toContain(shut);
      await asSuperuser("UPDATE control.telemetry_jobs SET ran_at = now() WHERE org_id = ANY ($1)", [orgs]);
    },
  );

  it("begins with whom it left out longest, so that a bounded run leaves nobody out twice", async () => {
    const orgs = tenants.map(({ org }) => org);
    await theseAreDue(orgs);
    const due = await dueOrganisations(directoryDatabase, Object.keys(setup.placements), 3);
    expect(due.map(({ org }) => org).sort()).toEqual([...orgs].sort());
    await run(1);
    expect(await dueOrganisations(directoryDatabase, Object.keys(setup.placements), 2)).toEqual(due.slice(1));
    await run(1);
    await run(1);
    for (const tenant of tenants) expect(await marked(tenant)).toBe(0);
  });

  it("goes on to the others when one fails, and that one is as late as any other", async () => {
    const [broken, ...others] = tenants as [FreshTenant, FreshTenant, FreshTenant];
    await theseAreDue(tenants.map(({ org }) => org));
    await asOwner(broken, "ALTER TABLE {schema}.telemetry_dirty RENAME TO telemetry_lost");
    const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await run(3);
    expect(warned.mock.calls.flat().join()).toContain('"entrypoint":"scheduled"');
    warned.mockRestore();
    for (const tenant of others) expect(await marked(tenant)).toBe(0);
    const visited = await asSuperuser(
      "SELECT FROM control.telemetry_jobs WHERE org_id = $1 AND ran_at > now() - interval '1 minute'",
      [broken.org],
    );
    expect(visited).toHaveLength(1);
    await asOwner(broken, "ALTER TABLE {schema}.telemetry_lost RENAME TO telemetry_dirty");
    await theseAreDue([broken.org]);
    await run(1);
    expect(await marked(broken)).toBe(0);
  });

  it("stops when its time is over", async () => {
    await theseAreDue(tenants.map(({ org }) => org));
    await runScheduled(world.unit, { runMs: 0, visits: 3 });
    for (const tenant of tenants) expect(await marked(tenant)).toBe(2);
  });

  it("does a bounded part of a backlog in one visit, says that there is more, and comes to its end", async () => {
    const [tenant] = tenants as [FreshTenant];
    await asOwner(
      tenant,
      `INSERT INTO {schema}.telemetry_dirty SELECT 'dev_' || n, now() - interval '3 hours' FROM generate_series(1, $1) n`,
      [workPerCall.hours * 12],
    );
    expect(await tendTelemetry(world.unit, scopeOf(tenant.org))).toMatchObject({
      rolledUp: workPerCall.hours * 10,
      more: true,
    });
    expect(await tendTelemetry(world.unit, scopeOf(tenant.org))).toMatchObject({
      rolledUp: workPerCall.hours * 2 + 2,
      more: false,
    });
  });

  it("takes smaller steps where a whole one takes longer than a statement may", async () => {
    const [tenant] = tenants as [FreshTenant];
    const hours = 40;
    await store(
      tenant,
      Array.from({ length: hours }, (_, index) => sample(`s${index}`, midnight(3) + index * hourMs)),
    );
    // As the server ends a statement at its time-out, here as soon as it would finish more than nine hours.
    await asOwner(
      tenant,
      `CREATE FUNCTION {schema}.too_much() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF (SELECT count(*) FROM finished) > 9 THEN RAISE EXCEPTION 'too long' USING ERRCODE = 'query_canceled'; END IF;
         RETURN NULL;
       END $$;
       CREATE TRIGGER too_much AFTER DELETE ON {schema}.telemetry_dirty REFERENCING OLD TABLE AS finished
         FOR EACH STATEMENT EXECUTE FUNCTION {schema}.too_much()`,
    );
    // The call that was ended may still hold its hours for a moment, and the next one passes them by: then
    // the next visit takes them.
    for (let visit = 0; visit < 50 && (await marked(tenant)) !== 0; visit += 1)
      await tendTelemetry(world.unit, scopeOf(tenant.org));
    expect(await marked(tenant)).toBe(0);
  });

  it("is done once by visits at the same time", async () => {
    const [tenant] = tenants as [FreshTenant];
    await Promise.all(Array.from({ length: 4 }, () => tendTelemetry(world.unit, scopeOf(tenant.org))));
    const samples = [sample("a", midnight(2)), sample("b", midnight(2) + hourMs)];
    for (const resolution of ["minute", "hour"] as const)
      expect(await rolledUp(tenant, resolution)).toEqual(plainModel(samples, resolution));
  });
});
