/** The clock's backups: studio's own code over the real control database, real capabilities and a real bucket. */
import { randomBytes } from "node:crypto";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type BackupId, makeId, type OrgId, parseId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { BackupsRpc } from "../../../core/rpc/backups.ts";
import type { Database, Statement } from "../../../store/connect.ts";
import { claimRun, queueDue } from "../../../store/control/backup-runs.ts";
import { runBackupUpkeep } from "../../../workers/studio/backups/upkeep.ts";
import { eraseDue } from "../../../workers/studio/lifecycle/erase.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { contentOf, fillTenant, restore } from "../backup/kit.ts";
import { createPlatformKit, type PlatformKit } from "../backup/platform-kit.ts";
import { asSuperuser, connect, controlDatabase, type FreshTenant, freshTenant, setup } from "../support.ts";
import { createHarness, type Harness, operatorToken } from "./harness.ts";

const long = 120_000;
type Org = Awaited<ReturnType<Harness["newOrg"]>>;
let kit: PlatformKit;
let studio: Harness;
let services: Services;
/** Organisations of this file: the database is everybody's. */
const mine: string[] = [];
/** Studio's mesh is not the kit's: whose call it is is read off the one, and signed for the other. */
function capabilities(): BackupsRpc {
  const real = kit.backups();
  const through =
    (method: keyof BackupsRpc) =>
    async (call: SignedCall, ...rest: unknown[]): Promise<unknown> => {
      const { org, job } = decodeJwt(call.assertion) as { org: OrgId; job: string };
      expect(job).toBe("tend_backups");
      return (real[method] as (...args: unknown[]) => Promise<unknown>)(await kit.call(org), ...rest);
    };
  const methods = ["make", "read", "openKey", "prune", "erase"] as const;
  return Object.fromEntries(methods.map((method) => [method, through(method)])) as unknown as BackupsRpc;
}

beforeAll(async () => {
  kit = await createPlatformKit();
  studio = await createHarness((made) => {
    services = { ...made, backups: capabilities() };
    return services;
  });
}, long);
afterAll(() => kit.stop());
beforeEach(async () => {
  studio.clock.nowMs = Date.now();
  studio.audit.down.append = false;
  // Nobody claims but this file, and what one of its tests left behind is none of the next one's.
  await asSuperuser(
    `UPDATE control.backup_runs SET state = 'failed', failure = 'failed', started_at = now(), finished_at = now()
     WHERE state = 'running' OR state = 'queued' AND org_id = ANY ($1)`,
    [mine],
  );
  await asSuperuser("UPDATE control.organisations SET created_at = now() WHERE id = ANY ($1)", [mine]);
});

async function newOrg(): Promise<Org> {
  const org = await studio.newOrg();
  mine.push(org.id);
  return org;
}
/** An organisation with a schema and rows, as if made a month ago: due in any night. */
async function livedIn(made = "30 days"): Promise<{ org: Org; tenant: FreshTenant }> {
  const org = await newOrg();
  const tenant = await freshTenant(org.id as OrgId);
  await fillTenant(tenant, 10);
  await asSuperuser(`UPDATE control.organisations SET created_at = now() - interval '${made}' WHERE id = $1`, [org.id]);
  return { org, tenant };
}
const tick = (): Promise<void> => runBackupUpkeep(services);
const runs = async (org: Org) =>
  (await studio.send("GET", `/api/v1/orgs/${org.slug}/backups/runs`, { token: org.owner.token })).body.items as {
    id: BackupId;
    state: string;
    failure: string | null;
    by_request: boolean;
    bytes: number;
  }[];
const backups = async (org: Org) =>
  (await studio.send("GET", `/api/v1/orgs/${org.slug}/backups`, { token: org.owner.token })).body.items as {
    id: BackupId;
    made_by: string;
    verified_at: string | null;
  }[];
const ask = (org: Org, token = org.owner.token) => studio.send("POST", `/api/v1/orgs/${org.slug}/backups`, { token });
async function said(org: Org): Promise<string[]> {
  const { body } = await studio.send("GET", `/api/v1/orgs/${org.slug}/audit?type=backup`, { token: org.owner.token });
  const events = body.items.map(({ event }: { event: { type: string; action: string } }) => event);
  return events
    .filter(({ type }: { type: string }) => type === "backup")
    .map(({ action }: { action: string }) => action)
    .toReversed();
}

describe("every night", () => {
  it("each organisation is backed up once, read again, and shown to its owners; every row comes back", {
    timeout: long,
  }, async () => {
    const [first, second] = [await livedIn(), await livedIn()];
    const before = await contentOf(first.tenant);
    await tick();
    await tick();
    for (const { org } of [first, second]) {
      expect(await runs(org)).toMatchObject([{ state: "done", by_request: false, failure: null }]);
      expect(await backups(org)).toMatchObject([{ made_by: "platform", verified_at: expect.any(String) }]);
      expect(await said(org)).toEqual(["backed_up"]);
    }
    const [{ id } = { id: "" as BackupId }] = await backups(first.org);
    const opened = await studio.send("POST", `/api/v1/operator/orgs/${first.org.slug}/backups/${id}/key`, {
      token: operatorToken,
    });
    const piece = await studio.send("GET", `/api/v1/operator/orgs/${first.org.slug}/backups/${id}?offset=0`, {
      token: operatorToken,
    });
    const file = Buffer.from(piece.body.bytes, "base64");
    expect(file.length).toBe(piece.body.size);
    await asSuperuser(`DELETE FROM ${first.tenant.name}.telemetry`, [], first.tenant.placement);
    await restore(first.tenant, file, Buffer.from(opened.body.key, "base64url"));
    expect(await contentOf(first.tenant)).toEqual(before);
    // That the operator could read it is the organisation's to know.
    expect(await said(first.org)).toEqual(["backed_up", "opened"]);
  });

  it("at a time of its own, the same each night, spread over the first five hours", async () => {
    const orgs = [await livedIn(), await livedIn(), await livedIn()].map(({ org }) => org.id);
    const midnight = Date.UTC(2027, 3, 5);
    const at = (nowMs: number): string => new Date(nowMs).toISOString();
    const client = await connect(setup.superuserUrls["first"] ?? "");
    // Everybody is due in 2027: in a transaction that is taken back, nobody of the other files' notices.
    const within = {
      query: async ({ text, values }: Statement) => (await client.query(text, values)).rows,
    } as unknown as Database;
    try {
      await client.query("BEGIN");
      await client.query(
        `INSERT INTO control.backup_runs (id, org_id, by_request, state, requested_at, started_at, finished_at)
         SELECT 'bak_' || right(id, 26), id, false, 'done', $2, $2, $2 FROM control.organisations WHERE id = ANY ($1)`,
        [orgs, at(midnight - 60_000)],
      );
      const slots = new Map<string, number[]>();
      for (const night of [0, 1]) {
        for (let minute = 0; minute <= 300; minute += 10) {
          const nowMs = midnight + night * 86_400_000 + minute * 60_000;
          const ids = Array.from({ length: 500 }, () => makeId("backup", nowMs, randomBytes(10)));
          await queueDue(within, nowMs, ids);
          const { rows } = await client.query<{ org: string }>(
            `UPDATE control.backup_runs SET state = 'done', started_at = requested_at, finished_at = requested_at
             WHERE state = 'queued' RETURNING org_id AS org`,
          );
          for (const { org } of rows) slots.set(org, [...(slots.get(org) ?? []), minute]);
        }
      }
      for (const org of orgs) {
        const [first, second, ...rest] = slots.get(org) ?? [];
        expect(first).toBeDefined();
        expect([second, rest]).toEqual([first, []]);
      }
      expect(new Set([...slots.values()].map(([first]) => first)).size).toBeGreaterThan(1);
    } finally {
      await client.query("ROLLBACK");
      await client.end();
    }
  });

  it("not of who came today, is suspended, is to be deleted, or has shredded keys", async () => {
    const { org: fresh } = await livedIn("0 days");
    const [{ org: suspended }, { org: deleting }, { org: shredded }] = [
      await livedIn(),
      await livedIn(),
      await livedIn(),
    ];
    await asSuperuser("UPDATE control.organisations SET status = 'suspended', suspended_at = now() WHERE id = $1", [
      suspended.id,
    ]);
    await asSuperuser("UPDATE control.organisations SET status = 'deleting' WHERE id = $1", [deleting.id]);
    await asSuperuser("INSERT INTO control.encryption_settings (org_id, version, shredded_at) VALUES ($1, 1, now())", [
      shredded.id,
    ]);
    await tick();
    const found = await asSuperuser("SELECT org_id FROM control.backup_runs WHERE org_id = ANY ($1)", [
      [fresh, suspended, deleting, shredded].map(({ id }) => id),
    ]);
    expect(found).toEqual([]);
  });

  it("again an hour after it failed, three times at most, and one that fails keeps nobody waiting", {
    timeout: long,
  }, async () => {
    const [bad, good] = [await livedIn(), await livedIn()];
    await asSuperuser(`DROP POLICY backup_read ON ${bad.tenant.name}.groups`, [], bad.tenant.placement);
    await tick();
    await tick();
    expect(await runs(bad.org)).toMatchObject([{ state: "failed", failure: "unreadable_table" }]);
    expect(await runs(good.org)).toMatchObject([{ state: "done" }]);
    const later = (): Promise<unknown> =>
      asSuperuser("UPDATE control.backup_runs SET finished_at = finished_at - interval '2 hours' WHERE org_id = $1", [
        bad.org.id,
      ]);
    for (let hour = 0; hour < 4; hour += 1) {
      await later();
      await tick();
    }
    expect(await runs(bad.org)).toHaveLength(3);
    expect(await said(bad.org)).toEqual(["failed", "failed", "failed"]);
    expect(await kit.objects(bad.org.id)).toEqual([]);
  });
});

describe("a run", () => {
  it("that nobody hears of any more is ended, on record, and the next one goes ahead", { timeout: long }, async () => {
    const { org } = await livedIn();
    expect((await ask(org)).status).toBe(202);
    const lost = await claimRun(controlDatabase);
    expect(lost?.scope.org).toBe(org.id);
    await tick();
    expect(await runs(org)).toMatchObject([{ state: "running" }]);
    await asSuperuser("UPDATE control.backup_runs SET seen_at = now() - interval '6 minutes' WHERE org_id = $1", [
      org.id,
    ]);
    await asSuperuser("UPDATE control.organisations SET created_at = now() WHERE id = $1", [org.id]);
    await tick();
    expect(await runs(org)).toMatchObject([{ state: "failed", failure: "interrupted" }]);
    expect(await said(org)).toEqual(["requested", "failed"]);
    studio.clock.nowMs += 1_000;
    await ask(org);
    await tick();
    expect(await runs(org)).toMatchObject([{ state: "done" }, { state: "failed" }]);
  });

  it("whose organisation is suspended while it runs stops, and leaves nothing", { timeout: long }, async () => {
    const { org } = await livedIn();
    await ask(org);
    const real = services.backups.make;
    Object.assign(services.backups, {
      make: async (call: SignedCall, order: Parameters<BackupsRpc["make"]>[1]) => {
        await asSuperuser("UPDATE control.organisations SET status = 'suspended', suspended_at = now() WHERE id = $1", [
          org.id,
        ]);
        return real(call, order);
      },
    });
    await tick();
    Object.assign(services.backups, { make: real });
    const [row] = await asSuperuser("SELECT state, failure FROM control.backup_runs WHERE org_id = $1", [org.id]);
    expect(row).toEqual({ state: "failed", failure: "stopped" });
    expect(await kit.objects(org.id)).toEqual([]);
  });

  it("counts for nothing while the log can't say that it was made", { timeout: long }, async () => {
    const { org } = await livedIn();
    await ask(org);
    studio.audit.down.append = true;
    await tick();
    studio.audit.down.append = false;
    expect(await runs(org)).toMatchObject([{ state: "failed", failure: "failed" }]);
    expect(await backups(org)).toEqual([]);
  });

  it("is one of four at most, whoever claims them at the same moment", { timeout: long }, async () => {
    const orgs = await Promise.all(Array.from({ length: 6 }, newOrg));
    for (const org of orgs) await ask(org);
    const claimed = await Promise.all(Array.from({ length: 12 }, () => claimRun(controlDatabase)));
    const taken = claimed.flatMap((run) => (run === null ? [] : [run.backup]));
    expect(new Set(taken).size).toBe(4);
    expect(taken).toHaveLength(4);
  });
});

describe("a backup that is asked for", () => {
  it("is queued at once, one at a time and six a day, by owners and administrators alone", async () => {
    const org = await newOrg();
    const admin = await studio.newMember(org, "admin");
    const asked = await ask(org, admin.token);
    expect(asked).toMatchObject({ status: 202, body: { state: "queued", by_request: true, bytes: 0 } });
    expect(parseId("backup", asked.body.id)).not.toBeNull();
    expect((await ask(org)).body.code).toBe("conflict");
    const end = (): Promise<unknown> =>
      asSuperuser(
        "UPDATE control.backup_runs SET state = 'done', started_at = now(), finished_at = now() WHERE org_id = $1",
        [org.id],
      );
    for (let more = 0; more < 5; more += 1) {
      await end();
      expect((await ask(org)).status).toBe(202);
    }
    await end();
    const tooMany = await ask(org);
    expect([tooMany.status, tooMany.body.code, tooMany.headers.get("Retry-After")]).toEqual([
      429,
      "rate_limited",
      "3600",
    ]);
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const { token } = await studio.newMember(org, role);
      expect((await ask(org, token)).status).toBe(403);
      expect((await studio.send("GET", `/api/v1/orgs/${org.slug}/backups/runs`, { token })).status).toBe(403);
    }
    const other = await studio.newOrg();
    expect((await ask(org, other.owner.token)).status).toBe(404);
    expect(await runs(other)).toEqual([]);
  });
});

describe("what is too old", () => {
  it("goes with its key and its object, on record; what is kept stays, and so do the operator's", {
    timeout: long,
  }, async () => {
    const { org } = await livedIn();
    const old = Array.from({ length: 10 }, (_, day) => ({
      id: makeId("backup", Date.now() - (day + 3) * 86_400_000, randomBytes(10)),
      at: new Date(Date.now() - (day + 3) * 86_400_000).toISOString(),
    }));
    for (const [index, { id, at }] of old.entries())
      await asSuperuser(
        `INSERT INTO control.backups (id, org_id, wrapped_key, tenant_schema, snapshot_at, bytes, rows, sha256, made_by)
         VALUES ($1, $2, 'w', 6, $3, 1, 1, repeat('0', 64), $4)`,
        [id, org.id, at, index === 9 ? "operator" : "platform"],
      );
    await ask(org);
    await tick();
    const [made] = await runs(org);
    // On the free plan: the newest of seven days, today's among them.
    expect((await backups(org)).map(({ id }) => id)).toEqual([
      made?.id,
      ...old.slice(0, 6).map(({ id }) => id),
      old[9]?.id,
    ]);
    expect(await said(org)).toEqual(["requested", "backed_up", "deleted", "deleted", "deleted"]);
    expect(await kit.objects(org.id)).toHaveLength(1);
  });

  it("is everything, once an organisation is erased", { timeout: long }, async () => {
    const { org } = await livedIn();
    await ask(org);
    await tick();
    expect(await kit.objects(org.id)).toHaveLength(1);
    await studio.send("DELETE", `/api/v1/orgs/${org.slug}`, { token: org.owner.token, body: { slug: org.slug } });
    await asSuperuser("UPDATE control.org_deletions SET delete_after = now() - interval '1 minute' WHERE org_id = $1", [
      org.id,
    ]);
    await eraseDue(services, services.makeId("request")).catch(() => undefined);
    expect(await kit.objects(org.id)).toEqual([]);
  });
});

describe("the operator's routes to a backup", () => {
  it("do not exist for an owner, and give a key only when the organisation's log takes it", {
    timeout: long,
  }, async () => {
    const { org } = await livedIn();
    const other = await studio.newOrg();
    await ask(org);
    await tick();
    const [{ id } = { id: "" as BackupId }] = await backups(org);
    const base = `/api/v1/operator/orgs/${org.slug}/backups`;
    for (const [method, path] of [
      ["GET", base],
      ["GET", `${base}/${id}?offset=0`],
      ["POST", `${base}/${id}/key`],
    ] as const)
      expect((await studio.send(method, path, { token: org.owner.token })).status).toBe(404);
    const listed = await studio.send("GET", base, { token: operatorToken });
    expect(listed.body).toMatchObject({ org: org.id, items: [{ id, made_by: "platform" }] });
    expect(listed.text).not.toMatch(/w1\.|wrapped/);
    // By another organisation's name there is no such backup.
    const wrong = `/api/v1/operator/orgs/${other.slug}/backups/${id}/key`;
    expect((await studio.send("POST", wrong, { token: operatorToken })).status).toBe(404);
    studio.audit.down.append = true;
    const silent = await studio.send("POST", `${base}/${id}/key`, { token: operatorToken });
    studio.audit.down.append = false;
    // Neither log took it: the key stays here, and nobody is told that nothing was opened.
    expect([silent.status, silent.body.code, silent.body.key]).toEqual([503, "unavailable", undefined]);
    await asSuperuser("UPDATE control.backups SET wrapped_key = NULL WHERE id = $1", [id]);
    expect((await studio.send("POST", `${base}/${id}/key`, { token: operatorToken })).body.code).toBe("conflict");
  });
});
