/** An export that is killed anywhere, given up, or over: what is in it, and what is left of it. */
import { unzipSync } from "fflate";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sheetRowsMax } from "../../../core/exports/job.ts";
import type { ExportId } from "../../../core/ids.ts";
import { sql } from "../../../store/connect.ts";
import { runExport } from "../../../workers/studio/exports/run.ts";
import { runExportUpkeep } from "../../../workers/studio/exports/upkeep.ts";
import type { Services } from "../../../workers/studio/services.ts";
import type { Organisation } from "../../attack/tenant/whole-kit.ts";
import { asSuperuser } from "../support.ts";
import { expectNothingElse, madeThrough, objectsOf, outlived, settled } from "./dying.ts";
import { createExportsKit, type ExportsKit, tableOf, type Wanted } from "./kit.ts";

let kit: ExportsKit;
let org: Organisation;
/** Two full steps and the beginning of a third, which is what a step has of devices (sources/inventory.ts). */
const devices = 10_001;
const inventory: Wanted = { source: "inventory", format: "csv" };

beforeAll(async () => {
  kit = await createExportsKit();
  org = await kit.organisation();
  await org.tenant.run(
    "system",
    null,
    sql`INSERT INTO devices (id, name, platform, token_sha256, enrollment_code_id, enrolled_at)
      SELECT 'dev_' || lpad(n::text, 26, '0'), 'pc ' || n, 'linux', encode(sha256(n::text::bytea), 'hex'),
        (SELECT min(id) FROM enrollment_codes), now() - interval '1 hour'
      FROM generate_series(1, ${devices}::integer) AS n`,
  );
}, 180_000);
beforeEach(() => {
  kit.clock.nowMs = Date.now();
});

describe("an export that is killed", () => {
  it("before or behind any durable write has every row once when somebody goes on, and leaves nothing else", async () => {
    const whole = await kit.made(org, org.owner, inventory);
    expect(new Set(tableOf(whole).map(({ device_id }) => device_id)).size).toBeGreaterThanOrEqual(devices);
    for (let dies = 1; ; dies += 1) {
      const { id, outcome, reached } = await madeThrough(kit, org, inventory, dies);
      expect([dies, (await kit.download(org, org.owner, id)).text === whole]).toEqual([dies, true]);
      await expectNothingElse(kit, org, id, dies);
      if (outcome === "lived") {
        // The claim, three steps with their checkpoints, the end: two points each.
        expect(reached).toBe(16);
        return;
      }
    }
  }, 600_000);

  it("while a sheet is made has every row in it once when somebody goes on, and leaves nothing else", async () => {
    const { services } = kit.studio;
    const wanted: Wanted = { source: "inventory", format: "xlsx" };
    const rowsOf = async (id: ExportId): Promise<string> =>
      new TextDecoder().decode(unzipSync(await kit.openResult(org, id))["xl/worksheets/sheet1.xml"]);
    const whole = await kit.begin(org, org.owner, wanted);
    await runExport(services, whole);
    const rows = await rowsOf(whole);
    // Its head, and every device.
    expect(rows.match(/<row /g)?.length).toBeGreaterThan(devices);
    // What comes before a sheet is killed above: the claim and the steps are points 1 to 14.
    for (let dies = 15; ; dies += 1) {
      const { id, outcome, reached } = await madeThrough(kit, org, wanted, dies);
      expect([dies, (await rowsOf(id)) === rows]).toEqual([dies, true]);
      await expectNothingElse(kit, org, id, dies);
      if (outcome === "lived") {
        // Making it with three words in between, its checkpoint, the end.
        expect(reached).toBe(14 + 2 + 6 + 2 + 2);
        return;
      }
    }
  }, 600_000);

  it("is put into the queue again by the clock, by whom nothing is lost that a queue forgot", async () => {
    const sent: ExportId[] = [];
    const { services } = kit.studio;
    const hearing = {
      ...services,
      exportQueue: { send: async (message: { export: ExportId }) => sent.push(message.export) },
    };
    const id = await kit.begin(org, org.owner, inventory);
    await runExportUpkeep(hearing);
    expect(sent).not.toContain(id);
    await asSuperuser("UPDATE control.exports SET created_at = created_at - interval '2 minutes' WHERE id = $1", [id]);
    await runExportUpkeep(hearing);
    expect(sent).toContain(id);
    await runExport(services, id);
    // A message that comes twice finds nothing to do.
    await runExport(services, id);
    expect((await kit.show(org, org.owner, id)).state).toBe("done");
  });

  it("is worked on by one alone: whoever lost their claim writes nothing any more", async () => {
    const { services } = kit.studio;
    const id = await kit.begin(org, org.owner, inventory);
    let others: Promise<void> | null = null;
    const slow: Services = {
      ...services,
      exports: {
        ...services.exports,
        step: async (call, order) => {
          const done = await services.exports.step(call, order);
          if (others === null) {
            await outlived(id);
            others = runExport(services, id);
            await others;
          }
          return done;
        },
      },
    };
    await runExport(slow, id);
    const shown = await kit.show(org, org.owner, id);
    expect(shown).toMatchObject({ state: "done", rows: shown.rows_expected });
    expect((await kit.download(org, org.owner, id)).text).toBe(await kit.made(org, org.owner, inventory));
  });
});

describe("an export that is over", () => {
  it("has failed when more rows came than its format holds, and nothing of it is handed out", async () => {
    const id = await kit.begin(org, org.owner, { ...inventory, format: "xlsx" });
    await asSuperuser("UPDATE control.exports SET rows = $2 WHERE id = $1", [id, sheetRowsMax + 1]);
    await kit.turn(id);
    expect(await kit.show(org, org.owner, id)).toMatchObject({ state: "failed", failure: "too_large" });
    expect((await kit.download(org, org.owner, id)).status).toBe(404);
  });

  it("is given up in the midst of a step: nothing opens it, and nothing of it stays", async () => {
    const { services } = kit.studio;
    const id = await kit.begin(org, org.owner, inventory);
    const path = `/api/v1/orgs/${org.slug}/exports/${id}`;
    const interrupted: Services = {
      ...services,
      exports: {
        ...services.exports,
        step: async (call, order) => {
          const done = await services.exports.step(call, order);
          await kit.send("DELETE", path, { token: org.owner.token });
          return done;
        },
      },
    };
    await runExport(interrupted, id);
    expect((await kit.show(org, org.owner, id)).state).toBe("cancelled");
    expect((await kit.download(org, org.owner, id)).status).toBe(404);
    expect((await kit.send("DELETE", path, { token: org.owner.token })).status).toBe(409);
    expect((await objectsOf(kit, org, id)).length).toBe(1);
    await settled(id);
    await runExportUpkeep(services);
    expect(await objectsOf(kit, org, id)).toEqual([]);
  });

  it("is deleted after seven days, what opens it first", async () => {
    const { services } = kit.studio;
    const id = await kit.begin(org, org.owner, inventory);
    await runExport(services, id);
    const { finished_at, expires_at } = await kit.show(org, org.owner, id);
    expect(Date.parse(expires_at) - Date.parse(finished_at)).toBe(7 * 24 * 3600_000);
    await asSuperuser("UPDATE control.exports SET expires_at = now() - interval '1 second' WHERE id = $1", [id]);
    await settled(id);
    await runExportUpkeep({
      ...services,
      exports: { ...services.exports, discard: () => Promise.reject(new Error("away")) },
    });
    expect((await kit.show(org, org.owner, id)).state).toBe("expired");
    expect((await kit.download(org, org.owner, id)).status).toBe(404);
    const [row] = await asSuperuser("SELECT wrapped_key FROM control.exports WHERE id = $1", [id]);
    expect(row).toEqual({ wrapped_key: null });
    expect(await objectsOf(kit, org, id)).not.toEqual([]);
    await runExportUpkeep(services);
    expect(await objectsOf(kit, org, id)).toEqual([]);
  });
});
