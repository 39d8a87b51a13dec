import { beforeAll, describe, expect, it } from "vitest";
import { sql } from "../../../store/connect.ts";
import { writeRecords } from "../../../workers/data/ingest/write-records.ts";
import { createTenant } from "../../../workers/data/provisioner/create-tenant.ts";
import { scopeOf } from "../../support/scopes.ts";
import { dataConfig, describeTenant, newOrgId, newRequestId, tenantMigrations } from "../support.ts";
import { createDataWorld, type DataWorld, newDeviceId } from "./support.ts";

let world: DataWorld;
beforeAll(async () => {
  world = await createDataWorld();
});

describe("a schema from before there were partitions", () => {
  it("is brought up to date by the first batch that needs it, and nothing that was sent is refused or lost", async () => {
    const org = newOrgId();
    const { placement } = await createTenant(dataConfig, scopeOf(org), tenantMigrations.slice(0, 2));
    const tenant = await describeTenant(org, placement);
    const device = newDeviceId();
    const at = new Date().toISOString();
    const record = {
      kind: "telemetry",
      device,
      sampleId: "a",
      at,
      receivedAt: at,
      metrics: { cpu_percent: 1 },
    } as const;
    for (const sampleId of ["a", "b"]) {
      const call = await world.mesh.caller("durable-objects").asJob("data.ingest", "ingest", org, newRequestId());
      await writeRecords(world.unit, call, org, [{ ...record, sampleId }, record]);
    }
    const [rows] = await tenant.run("system", null, sql`SELECT sample_id FROM telemetry ORDER BY 1`);
    expect(rows).toEqual([{ sample_id: "a" }, { sample_id: "b" }]);
  });
});
