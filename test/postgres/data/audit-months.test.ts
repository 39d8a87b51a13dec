/** The audit table's months: opened ahead, entered by what waited, and as unchangeable as the whole. */
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { SinkEntry } from "../../../core/rpc/data.ts";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { openMonths } from "../../../workers/data/audit-sink/open-months.ts";
import { writeEntries } from "../../../workers/data/audit-sink/write-entries.ts";
import type { DataConfig } from "../../../workers/data/config.ts";
import { newRequestId, newUserId, runAs, setup } from "../support.ts";
import { twoPlacements } from "./migrations-kit.ts";
import { createDataWorld, type DataWorld, sinkEntry } from "./support.ts";

let world: DataWorld;
/** Placements of this file's own: partitions are everybody's. */
let config: DataConfig;
/** Of the first of them, by role. */
let urls: { readonly owner: string; readonly writer: string; readonly superuser: string };
beforeAll(async () => {
  world = await createDataWorld();
  const own = await twoPlacements();
  config = own.config;
  const superuser = new URL(setup.superuserUrls["first"]!);
  superuser.pathname = new URL(own.urls[0].url).pathname;
  urls = { owner: own.urls[0].url, writer: config.firstPlacement.auditWriterUrl, superuser: superuser.href };
});

const newLog = (): string => `platform-${crypto.randomUUID()}`;
const entryAt = (log: string, seq: number, at: string): SinkEntry => {
  const who = { user_id: newUserId(), ip: "203.0.113.7", user_agent: "browser" };
  return sinkEntry(log, seq, { type: "login", ...who, outcome: "success", mfa: "none" }, { at });
};
const write = async (...entries: SinkEntry[]): Promise<void> => {
  const call = await world.mesh.caller("durable-objects").asJob("data.audit-sink", "audit_drain", null, newRequestId());
  await writeEntries({ ...world.unit, config }, call, entries);
};
const partsOf = async (log: string): Promise<unknown[]> =>
  (
    await runAs(urls.owner, "SELECT tableoid::regclass::text AS part FROM audit.events WHERE log = $1 ORDER BY seq", [
      log,
    ])
  ).map(({ part }) => part);
/** The month so many after this one, as its partition's name ends and as a time in it. */
const monthFromNow = (months: number): { readonly name: string; readonly at: string } => {
  const now = new Date();
  const at = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 15)).toISOString();
  return { name: at.slice(0, 7).replace("-", "_"), at };
};

describe("the audit table's months", () => {
  it("take the entries of their own time, and the default one those of a time that none is open for", async () => {
    const log = newLog();
    await write(
      entryAt(log, 1, "2026-12-31T23:59:59.999Z"),
      entryAt(log, 2, "2027-01-01T00:00:00.000Z"),
      entryAt(log, 3, "2050-01-01T00:00:00.000Z"),
      entryAt(log, 4, "2018-05-05T00:00:00.000Z"),
    );
    expect(await partsOf(log)).toEqual([
      "audit.events_2026_12",
      "audit.events_2027_01",
      "audit.events_default",
      "audit.events_default",
    ]);
  });

  it("are opened three ahead by the clock on every placement, and what came before its month was open goes into it", async () => {
    const log = newLog();
    const [soon, far] = [monthFromNow(3), monthFromNow(4)];
    for (const { auditWriterUrl } of config.placements.values()) {
      const owner = auditWriterUrl === urls.writer ? urls.owner : null;
      if (owner !== null) await runAs(owner, `DROP TABLE audit.events_${soon.name}`);
    }
    await runAs(urls.owner, `DROP TABLE IF EXISTS audit.events_${far.name}`);
    const entries = [entryAt(log, 1, soon.at), entryAt(log, 2, far.at)];
    await write(...entries);
    expect(await partsOf(log)).toEqual(["audit.events_default", "audit.events_default"]);
    const { opened, failed } = await openMonths(config);
    expect([opened, failed]).toEqual([1, []]);
    expect(await partsOf(log)).toEqual([`audit.events_${soon.name}`, "audit.events_default"]);
    const rows = await runAs(urls.owner, "SELECT leaf_json FROM audit.events WHERE log = $1 ORDER BY seq", [log]);
    expect(rows).toEqual(entries.map(({ leafJson: leaf_json }) => ({ leaf_json })));
    expect(await openMonths(config)).toEqual({ opened: 0, moved: 0, failed: [] });
  });

  it("don't hold each other up: a placement that is away leaves the others' open", async () => {
    const away = { ...config.firstPlacement, auditWriterUrl: urls.writer.replace(/\/[^/]+$/, "/nowhere") };
    const names = [...config.placements.keys()];
    const { failed } = await openMonths({ ...config, placements: new Map([...config.placements, [names[0]!, away]]) });
    expect(failed).toHaveLength(1);
  });

  it("are named by nobody but the owner: the writer opens, takes in and drops none", async () => {
    for (const text of [
      "SELECT audit.open_month('2031-01-01')",
      "SELECT audit.take_in('audit.events_2026_06')",
      "SELECT audit.drop_retired_month('2026-01-01')",
      "CREATE TABLE audit.mine (one integer)",
      "ALTER TABLE audit.events DETACH PARTITION audit.events_2026_06",
      "DROP TABLE audit.events_2026_06",
      "INSERT INTO audit.events_2026_06 SELECT * FROM audit.events",
      "SELECT * FROM audit.events_2026_06",
      "INSERT INTO audit.retired_months (month, entries, seal) VALUES ('2026-01-01', 0, repeat('0', 64))",
    ])
      await expect(runAs(urls.writer, text), text).rejects.toMatchObject({ code: "42501" });
    await expect(runAs(urls.owner, "SELECT audit.open_month('2031-01-02')")).rejects.toMatchObject({ code: "22023" });
  });
});

const changes = (part: string): string[] => [
  `UPDATE ${part} SET type = 'x'`,
  `DELETE FROM ${part}`,
  `TRUNCATE ${part}`,
];

describe("every month", () => {
  it("refuses UPDATE, DELETE and TRUNCATE to its writer, its owner and a superuser, and so does the default one", async () => {
    await openMonths(config);
    const parts = await runAs(
      urls.owner,
      "SELECT inhrelid::regclass::text AS part FROM pg_inherits WHERE inhparent = 'audit.events'::regclass",
    );
    expect(parts.length).toBeGreaterThanOrEqual(24);
    for (const part of parts.map((row) => String(row["part"]))) {
      // A row trigger is heard of only where there is a row.
      const at = /(\d{4})_(\d{2})$/.exec(part);
      await write(
        entryAt(newLog(), 1, at === null ? "2049-01-01T00:00:00.000Z" : `${at[1]}-${at[2]}-10T00:00:00.000Z`),
      );
      for (const text of changes(part)) {
        for (const url of [urls.writer, urls.owner, urls.superuser])
          await expect(runAs(url, text), text).rejects.toMatchObject({ code: "42501" });
      }
    }
  });
});

describe("retiring a month", () => {
  const seal = "a".repeat(64);
  const retire = (month: string, entries: number) =>
    runAs(urls.writer, "SELECT audit.retire_month($1, $2, $3) AS done", [month, entries, seal]);

  it("is refused by the database's own clock for one that is not seven years past, whoever asks", async () => {
    for (const month of ["2026-01-01", monthFromNow(-84).at.slice(0, 8).concat("01")]) {
      const text = `SELECT audit.retire_month('${month}', 0, '${seal}')`;
      for (const url of [urls.writer, urls.owner, urls.superuser])
        await expect(runAs(url, text)).rejects.toMatchObject({ code: "42501" });
    }
  });

  it("is refused when it has another number of entries than were sealed, and then takes it out of the log unchanged", async () => {
    await runAs(urls.owner, "SELECT audit.open_month('2018-07-01')");
    const log = newLog();
    await write(...[1, 2, 3].map((seq) => entryAt(log, seq, `2018-07-0${seq}T00:00:00.000Z`)));
    await expect(retire("2018-07-01", 2)).rejects.toMatchObject({ code: "XX001" });
    expect(await partsOf(log)).toHaveLength(3);
    expect(await retire("2018-07-01", 3)).toEqual([{ done: true }]);
    expect(await retire("2018-07-01", 3)).toEqual([{ done: false }]);
    expect(await partsOf(log)).toEqual([]);
    expect(await runAs(urls.owner, "SELECT count(*)::int AS rows FROM audit.retired_2018_07")).toEqual([{ rows: 3 }]);
    for (const text of changes("audit.retired_2018_07")) {
      for (const url of [urls.writer, urls.owner, urls.superuser])
        await expect(runAs(url, text), text).rejects.toMatchObject({ code: "42501" });
    }
    await expect(runAs(urls.writer, "SELECT * FROM audit.retired_2018_07")).rejects.toMatchObject({ code: "42501" });
  });

  it("drops nothing: that is the owner's, and not before thirty days", async () => {
    await runAs(urls.owner, "SELECT audit.open_month('2018-08-01')");
    const log = newLog();
    await write(entryAt(log, 1, "2018-08-01T00:00:00.000Z"));
    await retire("2018-08-01", 1);
    const drop = "SELECT audit.drop_retired_month('2018-08-01')::int AS persons";
    await expect(runAs(urls.owner, drop)).rejects.toMatchObject({ code: "42501" });
    await runAs(
      urls.superuser,
      `SET session_replication_role = replica;
       UPDATE audit.retired_months SET detached_at = now() - interval '31 days' WHERE month = '2018-08-01'`,
    );
    expect(await runAs(urls.owner, drop)).toEqual([{ persons: 1 }]);
    expect(await runAs(urls.owner, "SELECT 1 FROM audit.sealed_fields WHERE log = $1", [log])).toEqual([]);
  });
});

it("years that hold entries become months: every row is where it belongs, and as it was", async () => {
  const database = `years_${randomBytes(6).toString("hex")}`;
  await runAs(setup.ownerUrls["first"]!, `CREATE DATABASE ${database} TEMPLATE template0`);
  const url = setup.ownerUrls["first"]!.replace(/\/[^/]+$/, `/${database}`);
  const [one, two, months] = readMigrations("placement");
  await runAs(url, `${one!.sql}\n${two!.sql}`);
  const log = newLog();
  const entries = [
    "2026-02-28T23:59:59.999Z",
    "2026-03-01T00:00:00.000Z",
    "2027-11-05T00:00:00.000Z",
    "2034-01-01T00:00:00.000Z",
  ];
  for (const [index, at] of entries.entries()) {
    const { entry, leafJson } = entryAt(log, index + 1, at);
    await runAs(
      url,
      `INSERT INTO audit.events (log, seq, occurred_at, request_id, phase, type, leaf_json, leaf_hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [log, entry.seq, at, entry.request_id, entry.phase, entry.event.type, leafJson, entry.leaf_hash],
    );
  }
  const rows = () => runAs(url, "SELECT *, drained_at::text AS drained FROM audit.events ORDER BY seq");
  const before = await rows();
  await runAs(url, months!.sql);
  expect(await rows()).toEqual(before);
  const parts = await runAs(url, "SELECT tableoid::regclass::text AS part FROM audit.events ORDER BY seq");
  expect(parts.map(({ part }) => part)).toEqual([
    "audit.events_2026_02",
    "audit.events_2026_03",
    "audit.events_2027_11",
    "audit.events_default",
  ]);
});
