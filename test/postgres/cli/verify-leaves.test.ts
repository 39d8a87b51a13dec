import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgId } from "../../../core/ids.ts";
import { type LogReport, verifyDatabase } from "../../../scripts/cli/audit/verify-database.ts";
import { sinkEntry, type TestEntry } from "../data/support.ts";
import { newOrgId, newUserId } from "../support.ts";
import { runCli } from "./run-cli.ts";
import { type UnguardedDatabase, unguardedDatabase } from "./unguarded-database.ts";

let ownerUrl: string;
let superuser: UnguardedDatabase["superuser"];
let folder: string;

beforeAll(async () => {
  ({ ownerUrl, superuser } = await unguardedDatabase());
  await superuser.query("ALTER TABLE audit.personal_fields DROP CONSTRAINT personal_fields_pkey");
  folder = mkdtempSync(join(tmpdir(), "sentinel-cli-"));
});
afterAll(async () => {
  await superuser.end();
  rmSync(folder, { recursive: true, force: true });
});

const login = (): AuditFields => ({
  type: "login",
  user_id: newUserId(),
  ip: "203.0.113.7",
  user_agent: 'browser "é"\r\n',
  outcome: "success",
  mfa: "none",
});
const call = (status_code: number | null): AuditFields => ({
  type: "api_call",
  user_id: newUserId(),
  endpoint: "/api/v1/orgs/{org}/groups",
  method: "POST",
  status_code,
  duration_ms: status_code === null ? null : 3,
});

async function insert(entries: readonly TestEntry[]): Promise<void> {
  for (const { entry, leafJson, salts } of entries) {
    await superuser.query(
      `INSERT INTO audit.events (log, seq, occurred_at, request_id, phase, intent_seq, result, type, leaf_json, leaf_hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        entry.log,
        entry.seq,
        entry.at,
        entry.request_id,
        entry.phase,
        entry.intent_seq,
        entry.result,
        entry.event.type,
        leafJson,
        entry.leaf_hash,
      ],
    );
    for (const [field, salt] of Object.entries(salts)) {
      const value = (entry.event as unknown as Record<string, unknown>)[field];
      await superuser.query("INSERT INTO audit.personal_fields VALUES ($1, $2, $3, $4, $5)", [
        entry.log,
        entry.seq,
        field,
        JSON.stringify(value),
        salt,
      ]);
    }
  }
}

/** Six entries: three sign-ins, a write with its intent and outcome, another sign-in. */
async function freshLog(): Promise<{ org: OrgId; entries: readonly TestEntry[] }> {
  const org = newOrgId();
  const request_id = "req_01jd3x2k8hf9v8v3k4m5n6p7q9";
  const entries = [
    sinkEntry(org, 1, login()),
    sinkEntry(org, 2, login()),
    sinkEntry(org, 3, login()),
    sinkEntry(org, 4, call(null), { phase: "intent", request_id }),
    sinkEntry(org, 5, call(201), { phase: "outcome", intent_seq: 4, result: "answered", request_id }),
    sinkEntry(org, 6, login()),
  ];
  await insert(entries);
  return { org, entries };
}

async function verify(org: string): Promise<LogReport> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  const reports: LogReport[] = [];
  await verifyDatabase(client, org, (report) => reports.push(report));
  await client.end();
  expect(reports).toHaveLength(1);
  return reports[0]!;
}

describe("verifying leaves", () => {
  it("finds nothing wrong with a log as it was drained, and counts what it proved", async () => {
    const { org } = await freshLog();
    expect(await verify(org)).toEqual({
      log: org,
      entries: 6,
      lastSeq: 6,
      commitments: 14,
      openIntents: 0,
      gone: 0,
      goneMonths: [],
      bad: null,
    });
  });

  it("takes an erased person and an intent that still waits for what they are", async () => {
    const { org } = await freshLog();
    await superuser.query("DELETE FROM audit.personal_fields WHERE log = $1 AND seq = 2", [org]);
    await insert([sinkEntry(org, 7, call(null), { phase: "intent" })]);
    expect(await verify(org)).toMatchObject({ entries: 7, commitments: 12, openIntents: 1, bad: null });
  });

  it("reads logs longer than a page", async () => {
    const org = newOrgId();
    await superuser.query(
      `INSERT INTO audit.events (log, seq, occurred_at, request_id, phase, type, leaf_json, leaf_hash)
       SELECT $1, n, '2026-06-01T00:00:00.000Z', 'r', 'event', 'export', leaf,
              encode(sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')), 'hex')
       FROM (SELECT n, '{"at":"2026-06-01T00:00:00.000Z","event":{"type":"export"},"intent_seq":null,"log":"' || $1
                       || '","phase":"event","request_id":"r","result":null,"seq":' || n || ',"version":1}' AS leaf
             FROM generate_series(1, 4500) n)`,
      [org],
    );
    expect(await verify(org)).toMatchObject({ entries: 4500, bad: null });
  });
});

/** Replaces an entry by another whose hash fits: what a forger who knows the encoding does. */
async function replace(entry: TestEntry): Promise<void> {
  await superuser.query("DELETE FROM audit.events WHERE log = $1 AND seq = $2", [entry.entry.log, entry.entry.seq]);
  await superuser.query("DELETE FROM audit.personal_fields WHERE log = $1 AND seq = $2", [
    entry.entry.log,
    entry.entry.seq,
  ]);
  await insert([entry]);
}

type Tamper = (org: OrgId, entries: readonly TestEntry[]) => Promise<unknown>;
const sql =
  (text: string): Tamper =>
  (org) =>
    superuser.query(text, [org]);
const recomputed = "encode(sha256('\\x00'::bytea || convert_to(leaf_json, 'UTF8')), 'hex')";

const tampering: readonly [what: string, seq: number, reason: string, Tamper][] = [
  [
    "a field changed in the leaf",
    3,
    "leaf_hash",
    sql(`UPDATE audit.events SET leaf_json = replace(leaf_json, '"success"', '"failure"') WHERE log = $1 AND seq = 3`),
  ],
  [
    "a forged hash",
    2,
    "leaf_hash",
    sql("UPDATE audit.events SET leaf_hash = repeat('0', 64) WHERE log = $1 AND seq = 2"),
  ],
  ["a dropped row", 3, "missing", sql("DELETE FROM audit.events WHERE log = $1 AND seq = 3")],
  ["a dropped first row", 1, "missing", sql("DELETE FROM audit.events WHERE log = $1 AND seq = 1")],
  [
    "a dropped last row whose person is still there",
    6,
    "missing",
    sql("DELETE FROM audit.events WHERE log = $1 AND seq = 6"),
  ],
  [
    "a row that is there twice",
    2,
    "duplicate",
    sql("INSERT INTO audit.events SELECT * FROM audit.events WHERE log = $1 AND seq = 2"),
  ],
  [
    "a row that is there twice, at another time",
    2,
    "duplicate",
    sql(
      `INSERT INTO audit.events SELECT log, seq, '2028-01-01', request_id, phase, intent_seq, result, type, leaf_json, leaf_hash
       FROM audit.events WHERE log = $1 AND seq = 2`,
    ),
  ],
  [
    "two rows that changed places",
    2,
    "column",
    sql("UPDATE audit.events SET seq = 5 - seq WHERE log = $1 AND seq IN (2, 3)"),
  ],
  [
    "two rows that changed places, leaf and hash and all",
    3,
    "time",
    async (org, entries) => {
      const [, second, third] = entries as [TestEntry, TestEntry, TestEntry];
      await replace(sinkEntry(org, 2, third.entry.event, { at: third.entry.at, request_id: third.entry.request_id }));
      await replace(
        sinkEntry(org, 3, second.entry.event, { at: second.entry.at, request_id: second.entry.request_id }),
      );
    },
  ],
  [
    "a number below the first",
    -4,
    "sequence_number",
    sql("UPDATE audit.events SET seq = -4 WHERE log = $1 AND seq = 6"),
  ],
  [
    "another type beside the leaf",
    2,
    "column",
    sql("UPDATE audit.events SET type = 'export' WHERE log = $1 AND seq = 2"),
  ],
  [
    "another time beside the leaf",
    2,
    "column",
    sql("UPDATE audit.events SET occurred_at = occurred_at + '1 microsecond' WHERE log = $1 AND seq = 2"),
  ],
  [
    "another request beside the leaf",
    2,
    "column",
    sql("UPDATE audit.events SET request_id = 'req_x' WHERE log = $1 AND seq = 2"),
  ],
  [
    "an outcome turned into a plain event beside the leaf",
    5,
    "column",
    sql("UPDATE audit.events SET phase = 'event', intent_seq = NULL, result = NULL WHERE log = $1 AND seq = 5"),
  ],
  [
    "an entry of another log",
    1,
    "column",
    async (org) => {
      const { org: other } = await freshLog();
      await superuser.query("DELETE FROM audit.events WHERE log = $1", [org]);
      await superuser.query("UPDATE audit.events SET log = $1 WHERE log = $2", [org, other]);
    },
  ],
  [
    "a leaf that is not canonical, with its own hash",
    2,
    "leaf_encoding",
    async (org) => {
      await superuser.query("UPDATE audit.events SET leaf_json = leaf_json || ' ' WHERE log = $1 AND seq = 2", [org]);
      await superuser.query(`UPDATE audit.events SET leaf_hash = ${recomputed} WHERE log = $1 AND seq = 2`, [org]);
    },
  ],
  [
    "a person in the clear in the leaf, with its own hash",
    2,
    "commitment",
    async (org) => {
      await superuser.query(
        `UPDATE audit.events SET leaf_json = regexp_replace(leaf_json, '"ip":\\{[^}]*\\}', '"ip":"203.0.113.7"')
         WHERE log = $1 AND seq = 2`,
        [org],
      );
      await superuser.query(`UPDATE audit.events SET leaf_hash = ${recomputed} WHERE log = $1 AND seq = 2`, [org]);
    },
  ],
  [
    "another person's value",
    3,
    "commitment",
    sql(`UPDATE audit.personal_fields SET value = '"203.0.113.8"' WHERE log = $1 AND seq = 3 AND field = 'ip'`),
  ],
  [
    "another salt",
    3,
    "commitment",
    sql("UPDATE audit.personal_fields SET salt = repeat('A', 22) WHERE log = $1 AND seq = 3 AND field = 'ip'"),
  ],
  [
    "a value that the leaf never committed to",
    4,
    "commitment",
    sql(`INSERT INTO audit.personal_fields VALUES ($1, 4, 'ip', '"203.0.113.7"', repeat('A', 22))`),
  ],
  [
    "an outcome of no intent",
    5,
    "outcome",
    async (org, entries) => {
      const [, , , , outcome] = entries as readonly TestEntry[];
      await replace(sinkEntry(org, 5, outcome!.entry.event, { phase: "outcome", intent_seq: 3, result: "answered" }));
    },
  ],
];

describe("tampering by the superuser", () => {
  it.each(tampering)("shows: %s", async (_what, seq, reason, tamper) => {
    const { org, entries } = await freshLog();
    expect((await verify(org)).bad).toBeNull();
    await tamper(org, entries);
    expect((await verify(org)).bad).toMatchObject({ seq, reason });
  });
});

describe("months that were dropped after their seven years", () => {
  const monthOf = (index: number): string => `2019-0${index + 1}-01`;
  // What was sealed of a month is all that may lack, whosever it was: no other test's log takes of it.
  beforeEach(async () => {
    await superuser.query("DELETE FROM audit.personal_fields");
    await superuser.query("DELETE FROM audit.events");
  });
  /** Two entries in each of four months; an intent on the border of the second has its outcome in the third. */
  async function agedLog(): Promise<{ org: OrgId; drop: (...months: number[]) => Promise<unknown> }> {
    const org = newOrgId();
    const at = (index: number) => ({ at: new Date(Date.UTC(2019, index >> 1, 28, 12) + index).toISOString() });
    const request_id = "req_01jd3x2k8hf9v8v3k4m5n6p7q9";
    const entries = Array.from({ length: 8 }, (_, index) => sinkEntry(org, index + 1, login(), at(index)));
    entries[3] = sinkEntry(org, 4, call(null), { ...at(3), phase: "intent", request_id });
    const outcome = { phase: "outcome", intent_seq: 4, result: "answered", request_id } as const;
    entries[4] = sinkEntry(org, 5, call(201), { ...at(4), ...outcome });
    await insert(entries);
    const drop = (...months: number[]) =>
      superuser.query(
        `WITH gone AS (DELETE FROM audit.events WHERE log = $1
           AND date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date = ANY ($2::date[]) RETURNING seq)
         DELETE FROM audit.personal_fields p USING gone WHERE p.log = $1 AND p.seq = gone.seq`,
        [org, months.map(monthOf)],
      );
    return { org, drop };
  }
  /** What the database's ledger says was sealed and detached. */
  const retire = async (...months: (readonly [index: number, entries: number])[]): Promise<void> => {
    await superuser.query("DELETE FROM audit.retired_months");
    for (const [index, entries] of months)
      await superuser.query(
        "INSERT INTO audit.retired_months (month, entries, seal) VALUES ($1, $2, repeat('a', 64))",
        [monthOf(index), entries],
      );
  };

  it("are told from entries that are missing, and an outcome whose intent was in one is an outcome", async () => {
    const { org, drop } = await agedLog();
    await retire([0, 2], [1, 2]);
    expect(await verify(org)).toMatchObject({ entries: 8, gone: 0, bad: null });
    await drop(0);
    expect(await verify(org)).toMatchObject({ entries: 6, gone: 2, goneMonths: ["2019-01"], bad: null });
    await drop(1);
    expect(await verify(org)).toMatchObject({ entries: 4, lastSeq: 8, gone: 4, openIntents: 0, bad: null });
  });

  it("may be dropped in any order", async () => {
    const { org, drop } = await agedLog();
    await retire([0, 2], [1, 2]);
    await drop(1);
    expect(await verify(org)).toMatchObject({ entries: 6, gone: 2, goneMonths: ["2019-02"], bad: null });
  });

  it("explain nothing of a month that the ledger does not name, or that is still there", async () => {
    const { org, drop } = await agedLog();
    await retire();
    await drop(0);
    expect((await verify(org)).bad).toMatchObject({ seq: 1, reason: "missing" });
    await retire([1, 2]);
    expect((await verify(org)).bad).toMatchObject({ seq: 1, reason: "missing" });
    await retire([0, 2]);
    await superuser.query("CREATE TABLE audit.retired_2019_01 (LIKE audit.events)");
    const stillThere = await verify(org);
    await superuser.query("DROP TABLE audit.retired_2019_01");
    expect(stillThere.bad).toMatchObject({ seq: 1, reason: "missing" });
  });

  it("explain no entry of another time, and no more than were sealed of all logs together", async () => {
    const { org, drop } = await agedLog();
    await retire([0, 2]);
    await drop(0);
    await superuser.query("DELETE FROM audit.events WHERE log = $1 AND seq = 3", [org]);
    expect((await verify(org)).bad).toMatchObject({ seq: 1, reason: "missing" });
    const other = await agedLog();
    await retire([0, 2]);
    await other.drop(0);
    await superuser.query("DELETE FROM audit.events WHERE log = $1", [org]);
    expect((await verify(other.org)).bad).toBeNull();
    const third = await agedLog();
    await third.drop(0);
    const file = join(folder, "dropped");
    writeFileSync(file, ownerUrl, { mode: 0o600 });
    const { status, stdout } = runCli(["audit", "verify-leaves", "--database-url-file", file]);
    expect(status).toBe(1);
    const told = stdout.split("\n").filter((line) => line.includes(other.org) || line.includes(third.org));
    expect(told.map((line) => line.slice(0, 1)).toSorted()).toEqual(["✓", "✗"]);
    expect(told.find((line) => line.startsWith("✓"))).toMatch(
      /, 2 more retired after seven years and dropped \(2019-01\)$/,
    );
    await retire();
  });
});

describe("npm run sentinel -- audit verify-leaves", () => {
  const run = (...args: string[]) => {
    const file = join(folder, "url");
    writeFileSync(file, `${ownerUrl}\n`, { mode: 0o600 });
    return runCli(["audit", "verify-leaves", "--database-url-file", file, ...args]);
  };

  it("ends with 0 for one good log", async () => {
    const { org } = await freshLog();
    const { status, stdout, stderr } = run("--org", org);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toBe(
      `✓ database ${org}: 6 entries up to 6, 14 commitments\n6 entries of 1 logs verified, 0 logs bad\n`,
    );
  });

  it("ends with 1 and names the entry, among good logs", async () => {
    const { org } = await freshLog();
    await superuser.query("DELETE FROM audit.events WHERE log = $1 AND seq = 4", [org]);
    const { status, stdout } = run();
    expect(status).toBe(1);
    expect(stdout).toContain(`✗ database ${org} entry 4: missing: the next one stored is 5`);
  });

  it("ends with 1 for a log of which nothing is left", () => {
    const { status, stderr } = run("--org", newOrgId());
    expect(status).toBe(1);
    expect(stderr).toMatch(/^no_entries: /);
  });

  it("never says the password of a database that it can't reach", () => {
    const file = join(folder, "unreachable");
    writeFileSync(file, "postgres://owner:hunter2@127.0.0.1:1/none");
    const { status, stdout, stderr } = runCli(["audit", "verify-leaves", "--database-url-file", file]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^database_unreachable: /);
    expect(stderr).not.toContain("hunter2");
  });
});
