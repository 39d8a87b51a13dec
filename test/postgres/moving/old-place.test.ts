/** Who still holds something of the old placement, and what it is worth. */

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { takeOver } from "../../../scripts/migrate/tenants/move/ledger.ts";
import { giveUpMove } from "../../../scripts/migrate/tenants/move/run.ts";
import { sql } from "../../../store/connect.ts";
import { announce, askForRotation } from "../../../workers/data/credentials/rotation-directory.ts";
import { createTenant, transact } from "../../../workers/data/provisioner/create-tenant.ts";
import { dropLeft } from "../../../workers/data/provisioner/moving/drop-left.ts";
import { repairTenant } from "../../../workers/data/provisioner/repair-tenant.ts";
import { checkRights } from "../../../workers/data/provisioner/rights/check.ts";
import { restoreRightsStatements } from "../../../workers/data/provisioner/rights/restore.ts";
import { tenantMigrations } from "../../../workers/data/provisioner/tenant-migrations.ts";
import { tenantRoleStatements } from "../../../workers/data/provisioner/tenant-role.ts";
import type { Organisation } from "../../attack/tenant/whole-kit.ts";
import { scopeOf } from "../../support/scopes.ts";
import { backUp, contentOf, restore } from "../backup/kit.ts";
import { asSuperuser, connect, dataConfig, directoryDatabase, setup } from "../support.ts";
import {
  createMovers,
  Killed,
  killAt,
  type Movers,
  moveOf,
  other,
  outbox,
  placementOf,
  smallOrganisation,
} from "./kit.ts";

// Real databases, some moves each: seconds here, and a minute where little is left of a machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let movers: Movers;
let org: Organisation;
let source: string;
let target: string;
beforeAll(async () => {
  movers = await createMovers();
});
const take = (made: Organisation): void => {
  org = made;
  source = org.tenant.placement;
  target = other(source);
};
beforeEach(async () => take(await smallOrganisation(movers)));
afterAll(() => {
  vi.restoreAllMocks();
});

const cutAt = (moment: Parameters<typeof killAt>[0]) =>
  expect(movers.move(org.id, target, { onMoment: killAt(moment) })).rejects.toThrow(Killed);
const api = (method: string, path: string, body?: unknown) =>
  movers.whole.send(method, `/api/v1/orgs/${org.id}${path}`, {
    token: org.owner.token,
    ...(body === undefined ? {} : { body }),
  });
const exists = async (placement: string): Promise<boolean[]> => {
  const [row] = await asSuperuser(
    "SELECT to_regnamespace($1) IS NOT NULL AS schema, to_regrole($1) IS NOT NULL AS role",
    [org.tenant.name],
    placement,
  );
  return [row?.["schema"] === true, row?.["role"] === true];
};
const addGroup = (id: string) => sql`INSERT INTO groups (id, name) VALUES (${id}, 'late')`;
const lateSample = () =>
  sql`SELECT * FROM telemetry_store(${JSON.stringify([
    {
      device: org.things["device"],
      sample: "late",
      at_ms: Date.now() - 60_000,
      received_ms: Date.now(),
      metrics: { a: 1 },
    },
  ])}::json)`;

describe("while its rows are copied", () => {
  it("is told by name and time that nothing of it is written, wherever that would be, and is read as ever", async () => {
    await cutAt("frozen");
    const writes: [string, string, unknown?][] = [
      ["POST", "/groups", { name: "x" }],
      ["PATCH", `/devices/${org.things["device"]}`, { name: "x" }],
      ["DELETE", `/devices/${org.things["device"]}`],
      ["POST", `/devices/${org.things["device"]}/commands`, { name: "ping", args: {} }],
      ["POST", "/enrollment-codes", { name: "x", max_uses: 1, expires_in_seconds: 600 }],
      ["POST", "/invitations", { email: movers.whole.newEmail(), role: "viewer" }],
    ];
    for (const [method, path, body] of writes) {
      const answer = await api(method, path, body);
      expect([answer.status, answer.body.code, answer.headers.get("Retry-After")], `${method} ${path}`).toEqual([
        503,
        "org_moving",
        "15",
      ]);
    }
    for (const path of ["", "/devices", "/groups", `/devices/${org.things["device"]}/telemetry`, "/usage"])
      expect((await api("GET", path)).status, path).toBe(200);
    const stranger = await movers.whole.newAccount();
    const foreign = await movers.whole.send("POST", `/api/v1/orgs/${org.id}/groups`, {
      token: stranger.token,
      body: { name: "x" },
    });
    expect(foreign.status).toBe(404);
  });

  it("enrols nobody, and a code that is none is refused as ever", async () => {
    const code = (await api("POST", "/enrollment-codes", { name: "c", max_uses: 5, expires_in_seconds: 600 })).body
      .code;
    await cutAt("copied");
    const enrol = (text: string) =>
      movers.whole.send("POST", "/api/v1/enroll", { body: { code: text, name: "late", platform: "linux" } });
    expect((await enrol(code)).body.code).toBe("org_moving");
    await movers.move(org.id, target);
    expect((await enrol(code)).status).toBe(201);
  });

  it("takes no write by its own role, not by a function that runs as the owner, nor by the owner", async () => {
    await cutAt("frozen");
    const { tenant } = org;
    for (const statement of [
      addGroup("grp_late"),
      lateSample(),
      sql`DELETE FROM devices`,
      sql`UPDATE groups SET name = 'x'`,
    ])
      await expect(tenant.run("system", null, statement)).rejects.toMatchObject({ code: "SM001" });
    await expect(tenant.run("owner", null, sql`SELECT count(*) FROM devices`)).resolves.toHaveLength(1);
    const owner = await connect(setup.ownerUrls[source] ?? "");
    await owner.query("BEGIN; SET LOCAL ROLE sentinel_provisioner");
    await expect(owner.query(`TRUNCATE ${tenant.name}.operation_receipts`)).rejects.toMatchObject({ code: "SM001" });
    await owner.end();
    // Its own role can't open it again.
    for (const text of [
      `ALTER TABLE ${tenant.name}.groups DISABLE TRIGGER ALL`,
      `DROP FUNCTION ${tenant.name}.refuse_while_moving() CASCADE`,
      `COMMENT ON ROLE ${tenant.name} IS NULL`,
    ]) {
      const own = await connect(tenant.url);
      await expect(own.query(text)).rejects.toMatchObject({ code: "42501" });
      await own.end();
    }
  });

  it("waits for what was under way, which is then in the copy, and stops what goes on", async () => {
    const { tenant } = org;
    const session = await connect(tenant.url);
    session.on("error", () => undefined);
    const scope = await tenant.rowScope("system");
    const group = makeId("group", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    await session.query("BEGIN");
    await session.query("SELECT set_config('sentinel.scope', $1, true)", [scope]);
    await session.query("INSERT INTO groups (id, name) VALUES ($1, 'under way')", [group]);
    const moving = movers.move(org.id, target);
    // Until the freeze waits behind it.
    await vi.waitUntil(
      async () =>
        (
          await asSuperuser(
            // The end of the statement is not among the kilobyte that is shown of it.
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'LOCK TABLE %' || $1 || '%'",
            [tenant.name],
            source,
          )
        ).length > 0,
      { timeout: 300_000, interval: 10 },
    );
    await session.query("COMMIT");
    await moving;
    const [row] = await asSuperuser(`SELECT name FROM ${tenant.name}.groups WHERE id = $1`, [group], target);
    expect(row).toEqual({ name: "under way" });
    await session.end().catch(() => undefined);
  });

  it("is opened again by no repair, creation, rotation or check that began before or comes meanwhile", async () => {
    await cutAt("frozen");
    const scope = scopeOf(org.id);
    const placement = dataConfig.placements.get(source);
    if (placement === undefined) throw new Error("the placement is not configured");
    // What has read the directory before the move, and goes on now.
    await expect(
      transact(dataConfig, placement, [
        ...tenantRoleStatements(org.tenant.name, null),
        ...restoreRightsStatements(org.tenant.name),
      ]),
    ).rejects.toMatchObject({ code: "SM001" });
    await expect(repairTenant(dataConfig, scope)).rejects.toThrow("being moved");
    await expect(createTenant(dataConfig, scope, tenantMigrations)).rejects.toThrow("being moved");
    await askForRotation(directoryDatabase, scope);
    await announce(directoryDatabase, dataConfig, 1_000);
    await asSuperuser(
      `INSERT INTO control.rights_checks (org_id, checked_at) VALUES ($1, '-infinity')
       ON CONFLICT (org_id) DO UPDATE SET checked_at = '-infinity'`,
      [org.id],
    );
    expect((await checkRights(dataConfig, directoryDatabase)).repaired.filter((one) => one.org === org.id)).toEqual([]);
    await expect(org.tenant.run("system", null, addGroup("grp_late"))).rejects.toMatchObject({ code: "SM001" });
    expect(await placementOf(org.id)).toEqual({ placement: source, moving_to: target });
  });
});

describe("a restore of a backup", () => {
  it("is refused from the freeze on, and changes nothing of the old schema", async () => {
    take(await movers.whole.organisation());
    const { tenant } = org;
    const key = randomBytes(32);
    const { file } = await backUp(tenant, key);
    const before = await contentOf(tenant);
    await cutAt("frozen");
    await expect(restore(tenant, file, key)).rejects.toMatchObject({ code: "being_moved" });
    expect(await contentOf(tenant)).toEqual(before);
    await expect(tenant.run("system", null, addGroup("grp_late"))).rejects.toMatchObject({ code: "SM001" });
  });
});

describe("after it has switched", () => {
  it("lets nobody in where it was: no new login, and no session that was open", async () => {
    const { tenant } = org;
    const session = await connect(tenant.url);
    session.on("error", () => undefined);
    await movers.move(org.id, target);
    await expect(session.query("SELECT 1")).rejects.toThrow();
    await expect(tenant.run("system", null, addGroup("grp_late"))).rejects.toMatchObject({ code: "28000" });
    // The same password is good where it is now, and the scopes that were signed before.
    const there = {
      ...tenant,
      url: tenant.url.replace(setup.placements[source]?.tenantHost ?? "", setup.placements[target]?.tenantHost ?? ""),
    };
    const now = await connect(there.url);
    await now.query("SELECT set_config('sentinel.scope', $1, false)", [await tenant.rowScope("system")]);
    expect((await now.query("SELECT count(*)::int AS n FROM devices")).rows[0].n).toBeGreaterThan(0);
    await now.end();
  });

  it("leaves its old schema for a week, and it goes only if the organisation works where it is", async () => {
    await movers.move(org.id, target);
    const look = () => dropLeft(dataConfig, directoryDatabase);
    expect((await look()).dropped).not.toContain(org.id);
    expect(await exists(source)).toEqual([true, true]);
    const later = (days: number) =>
      asSuperuser("UPDATE control.placement_moves SET done_at = now() - make_interval(days => $2) WHERE org_id = $1", [
        org.id,
        days,
      ]);
    await later(6);
    expect((await look()).dropped).not.toContain(org.id);
    await later(8);
    await asSuperuser(`ALTER ROLE ${org.tenant.name} NOLOGIN`, [], target);
    expect((await look()).failed.map((one) => one.org)).toContain(org.id);
    expect(await exists(source)).toEqual([true, true]);
    await asSuperuser(`ALTER ROLE ${org.tenant.name} LOGIN`, [], target);
    expect((await look()).dropped).toContain(org.id);
    expect([await exists(source), await exists(target), await moveOf(org.id)]).toEqual([
      [false, false],
      [true, true],
      undefined,
    ]);
    expect((await api("GET", "/devices")).status).toBe(200);
    // And now it can go back.
    await movers.move(org.id, source);
    expect((await api("POST", "/groups", { name: "back" })).status).toBe(201);
  });

  it("takes the audit rows of its log along, and nobody else's", async () => {
    const rows = (placement: string) =>
      asSuperuser(
        "SELECT log, seq::int, leaf_json, leaf_hash, occurred_at FROM audit.events WHERE log = $1 ORDER BY seq",
        [org.id],
        placement,
      );
    const neighbour = await movers.whole.organisation(source);
    for (const [log, count] of [
      [org.id, 1203],
      [neighbour.id, 3],
    ] as const)
      await asSuperuser(
        `INSERT INTO audit.events (log, seq, occurred_at, request_id, phase, type, leaf_json, leaf_hash)
         SELECT $1, n, '2026-05-05 00:00:00.123456+00'::timestamptz + n * interval '1 second', 'r', 'event', 't', leaf,
           encode(sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')), 'hex')
         FROM (SELECT n, '{"n":' || n || '}' AS leaf FROM generate_series(1, $2::int) n) made`,
        [log, count],
        source,
      );
    const { auditEvents } = await movers.move(org.id, target);
    expect(auditEvents).toBe(1203);
    expect(await rows(target)).toEqual(await rows(source));
    expect(await asSuperuser("SELECT FROM audit.events WHERE log = $1", [neighbour.id], target)).toEqual([]);
  });
});

describe("a move", () => {
  it("is given up at any moment before it switches, and is then as if it had never begun", async () => {
    take(await movers.whole.organisation());
    for (const moment of ["announced", "closed", "frozen", "copied", "shut_out"] as const) {
      const before = await contentOf(org.tenant);
      await cutAt(moment);
      await giveUpMove(movers.world(), org.id);
      expect([await placementOf(org.id), await moveOf(org.id)], moment).toEqual([
        { placement: source, moving_to: null },
        undefined,
      ]);
      expect([await exists(source), await exists(target)], moment).toEqual([
        [true, true],
        [false, false],
      ]);
      expect(await contentOf(org.tenant)).toEqual(before);
      expect((await api("POST", "/groups", { name: `after ${moment}` })).status, moment).toBe(201);
      const hub = outbox(movers, org);
      await vi.waitUntil(() => hub.acknowledged.length > 0, { timeout: 300_000 });
      await hub.stop();
    }
    await cutAt("switched");
    await expect(giveUpMove(movers.world(), org.id)).rejects.toMatchObject({ code: "too_late" });
  });

  it("goes on in one run alone: a later one takes it over, and the earlier one is told", async () => {
    const first = movers.move(org.id, target);
    // As another run does when it begins, again and again until the first one meets it.
    const control = await connect(setup.ownerUrls["first"] ?? "");
    let over = false;
    const ended = first.then(
      () => "went through",
      (error: { code?: string }) => error.code,
    );
    void ended.then(() => {
      over = true;
    });
    while (!over) await takeOver(control, org.id).catch(() => undefined);
    await control.end();
    expect(await ended).toBe("taken_over");
    await movers.move(org.id, target);
    expect(await placementOf(org.id)).toEqual({ placement: target, moving_to: null });
  });

  it("cut off in the midst of the rows leaves nothing half where they went, and begins them again", async () => {
    take(await movers.whole.organisation());
    let cut = false;
    const onBytes = () => {
      if (cut) return;
      cut = true;
      throw new Killed("in the midst");
    };
    await expect(movers.move(org.id, target, { onBytes })).rejects.toThrow(Killed);
    expect(await exists(target)).toEqual([false, true]);
    expect(await moveOf(org.id)).toMatchObject({ step: "closed", rows_compared: null });
    await movers.move(org.id, target);
    expect(await contentOf({ ...org.tenant, placement: target })).toEqual(await contentOf(org.tenant));
  });

  it("of an organisation that is erased meanwhile leaves nothing of it on either placement", async () => {
    await cutAt("copied");
    const { whole } = movers;
    await asSuperuser(`UPDATE control.organisations SET status = 'deleting', suspended_at = NULL WHERE id = $1`, [
      org.id,
    ]);
    await asSuperuser(
      `INSERT INTO control.org_deletions (org_id, delete_after, started_at)
       VALUES ($1, now() - interval '1 hour', now() - interval '20 minutes')`,
      [org.id],
    );
    const { services } = whole.studio;
    const requestId = services.makeId("request");
    const call = await services.caller.asJob("data.provisioner", "lifecycle", org.id, requestId);
    expect(await services.provisioner.dropTenant(call, org.id)).toEqual({ dropped: true });
    expect([await exists(source), await exists(target)]).toEqual([
      [false, false],
      [false, false],
    ]);
  });

  it("is begun by studio's job for that organisation alone, to a placement that there is and that has room", async () => {
    const { services } = movers.whole.studio;
    const call = (job: "lifecycle" | "provision") =>
      services.caller.asJob("data.provisioner", job, org.id, services.makeId("request"));
    await expect(services.provisioner.prepareMove(await call("provision"), org.id, target)).rejects.toThrow(
      "call refused",
    );
    const foreign = await smallOrganisation(movers);
    await expect(services.provisioner.prepareMove(await call("lifecycle"), foreign.id, target)).rejects.toThrow(
      "call refused",
    );
    const why = async (to: string) => {
      const answer = await services.provisioner.prepareMove(await call("lifecycle"), org.id, to);
      return answer.kind === "refused" ? answer.why : answer.kind;
    };
    expect(await why("elsewhere")).toBe("no_such_placement");
    expect(await why("'; DROP")).toBe("no_such_placement");
    expect(await why(source)).toBe("same_placement");
    await asSuperuser("UPDATE control.organisation_placements SET rotating_to = password_epoch + 1 WHERE org_id = $1", [
      org.id,
    ]);
    expect(await why(target)).toBe("rotating");
    await asSuperuser("UPDATE control.organisation_placements SET rotating_to = NULL WHERE org_id = $1", [org.id]);
    expect(await why(target)).toBe("prepared");
    expect(await why(target)).toBe("prepared");
    expect((await moveOf(org.id))?.["step"]).toBe("announced");
  });
});
