/**
 * A moment of a placement's history, by Neon's API. The peer behaves as its documentation says of projects, branches
 * and endpoints; real Neon was not reached. What it branches is real: a database that was copied at that moment.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { openBackup } from "../../../core/backup/read.ts";
import { openKeeper } from "../../../scripts/backup/custody.ts";
import { readFileBytes } from "../../../scripts/backup/files.ts";
import { createNeonPointInTime, type PointInTime } from "../../../scripts/backup/point-in-time.ts";
import { atMoment, backUpToFile, restoreFromFile, type World } from "../../../scripts/backup/run.ts";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { addDevices, makeTenants, twoPlacements } from "../data/migrations-kit.ts";
import { newDeviceId } from "../data/support.ts";
import { runAs, setup } from "../support.ts";

const long = 120_000;
const token = "a-neon-api-key";
const folder = mkdtempSync(join(tmpdir(), "sentinel-moment-"));
/** What the peer was asked for, and what it has. */
const branches = new Map<string, { readonly polls: number; readonly at: string }>();
const asked: string[] = [];
let projectMadeAt: string;
let peer: Server;
let history: PointInTime;
let ownerUrl: string;
beforeAll(async () => {
  peer = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "" } = request;
      asked.push(`${method} ${url.replace(/br-[0-9a-f]+/, "br-…")}`);
      const answer = (status: number, body: unknown): void => {
        response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
      };
      if (request.headers.authorization !== `Bearer ${token}`)
        return answer(401, { message: `no: ${request.headers.authorization}` });
      const id = /^\/api\/v2\/projects\/quiet-river-1\/branches\/(br-[0-9a-f]+)$/.exec(url)?.[1];
      if (url === "/api/v2/projects/quiet-river-1" && method === "GET")
        return answer(200, {
          project: { id: "quiet-river-1", history_retention_seconds: 86_400, created_at: projectMadeAt },
        });
      if (url === "/api/v2/projects/quiet-river-1/branches" && method === "POST") {
        const { branch } = JSON.parse(Buffer.concat(chunks).toString()) as { branch: { parent_timestamp: string } };
        const made = `br-${randomBytes(6).toString("hex")}`;
        branches.set(made, { polls: 0, at: branch.parent_timestamp });
        return answer(201, {
          branch: { id: made, current_state: "init" },
          // The copy is in the same server here, under another of its names.
          endpoints: [{ id: "ep-1", host: "localhost:PORT".replace("PORT", new URL(ownerUrl).port) }],
          operations: [],
        });
      }
      const found = id === undefined ? undefined : branches.get(id);
      if (id === undefined || found === undefined) return answer(404, { message: "not found" });
      if (method === "DELETE") {
        branches.delete(id);
        return answer(200, {});
      }
      branches.set(id, { ...found, polls: found.polls + 1 });
      return answer(200, { branch: { id, current_state: found.polls > 0 ? "ready" : "init" } });
    });
  });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  peer.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  asked.length = 0;
  branches.clear();
  projectMadeAt = new Date(Date.now() - 3_600_000).toISOString();
  ownerUrl = setup.ownerUrls["first"] ?? "";
});

const historyOf = (key = token): PointInTime =>
  createNeonPointInTime({
    api: `http://127.0.0.1:${(peer.address() as AddressInfo).port}/api/v2`,
    key,
    project: "quiet-river-1",
    ownerUrl,
    now: Date.now,
  });

it("gives an organisation's rows of before, while the placement goes on, and leaves no branch behind", {
  timeout: long,
}, async () => {
  const placements = await twoPlacements();
  const [tenant] = await makeTenants(placements, 1);
  if (tenant === undefined) throw new Error("no tenant was made");
  await addDevices(tenant, [newDeviceId(), newDeviceId(), newDeviceId()]);
  const { url } = placements.urls.find(({ name }) => name === tenant.placement) ?? placements.urls[0];
  const database = new URL(url).pathname.slice(1);
  const superuser = setup.superuserUrls[tenant.placement === "one" ? "first" : "second"] ?? "";
  const inDatabase = (name: string): string => superuser.replace(/\/[^/]*$/, `/${name}`);
  // The moment: a copy of the database, as storage of Neon's would give it. Nobody may be in it meanwhile.
  const copy = `${database}_then`;
  await runAs(inDatabase("postgres"), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [
    database,
  ]);
  await runAs(inDatabase("postgres"), `CREATE DATABASE ${copy} TEMPLATE ${database} OWNER sentinel_owner`);
  ownerUrl = url.replace(/\/[^/]+$/, `/${copy}`);
  history = historyOf();
  const moment = new Date(Date.now() - 60_000).toISOString();
  await runAs(inDatabase(database), `DELETE FROM ${tenant.name}.devices`);

  const keeper = await openKeeper(randomBytes(32).toString("base64url"));
  const world: World = { placements: placements.urls, keeper, hub: null, platform: null };
  const { path } = await atMoment(history, moment, (then) => backUpToFile(world, tenant.org, folder, undefined, then));
  expect((await openBackup(readFileBytes(path))).header.snapshot_at).toBe(moment);
  expect(branches.size).toBe(0);
  expect(asked).toEqual([
    "GET /api/v2/projects/quiet-river-1",
    "POST /api/v2/projects/quiet-river-1/branches",
    "GET /api/v2/projects/quiet-river-1/branches/br-…",
    "GET /api/v2/projects/quiet-river-1/branches/br-…",
    "DELETE /api/v2/projects/quiet-river-1/branches/br-…",
  ]);
  const { rows } = await restoreFromFile(world, path, tenant.org, readMigrations("tenant"));
  expect(rows).toBeGreaterThanOrEqual(3);
  const [found] = await runAs(inDatabase(database), `SELECT count(*)::integer AS devices FROM ${tenant.name}.devices`);
  expect(found).toEqual({ devices: 3 });
});

it("asks for no moment that is not kept any more, or is not there yet", async () => {
  history = historyOf();
  for (const at of [-2 * 86_400_000, -2 * 3_600_000, 60_000])
    await expect(history.branchAt(new Date(Date.now() + at).toISOString())).rejects.toMatchObject({ code: "not_kept" });
  expect(asked.filter((line) => line.startsWith("POST"))).toEqual([]);
  const { from, to } = await history.restorePoints();
  expect(from).toBe(projectMadeAt);
  expect(Date.parse(to)).toBeGreaterThan(Date.parse(from));
});

it("shows neither its key nor what the service says of it, and removes a branch whose work fails", async () => {
  const refused = await historyOf("wrong-key")
    .restorePoints()
    .catch((error: Error) => error);
  expect(refused).toMatchObject({ code: "api_refused", message: "the service answers 401" });
  const moment = new Date(Date.now() - 1_000).toISOString();
  await expect(
    atMoment(historyOf(), moment, async () => {
      throw new Error("the disk is full");
    }),
  ).rejects.toThrow("the disk is full");
  expect(branches.size).toBe(0);
});
