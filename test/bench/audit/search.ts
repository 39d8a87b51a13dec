/**
 * A page of the audit log at ten million entries: the SQL that the log's object runs, on the engine that it runs on
 * (SQLite; Node's is of the same line as workerd's), from a file. Writing them takes some minutes and 13 GB:
 * `node test/bench/audit/search.ts [ENTRIES]`, and no part of `npm run bench`.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { AuditFields } from "../../../core/audit/events.ts";
import { actorOf, addressOf, facetsOf, targetOf } from "../../../core/audit/facets.ts";
import { makeId } from "../../../core/ids.ts";
import type { AuditFilter } from "../../../core/rpc/durable-objects.ts";
import { entriesSchema } from "../../../durable-objects/audit-log/entry-schema.ts";
import { EntrySearch, type IndexNames } from "../../../durable-objects/audit-log/entry-search.ts";
import { FacetStore } from "../../../durable-objects/audit-log/facet-store.ts";
import { printReport, type Row } from "../report.ts";
import { storageOf } from "./sqlite-storage.ts";

const entriesDefault = 10_000_000;
const pagesPerCase = 200;
const startMs = Date.UTC(2026, 0, 1);
/** One entry every three seconds: ten million are a year. */
const stepMs = 3_150;

const id = (kind: "user" | "device" | "document" | "request"): string => makeId(kind, startMs, randomBytes(10));
const people = Array.from({ length: 2_000 }, () => id("user"));
const devices = Array.from({ length: 5_000 }, () => id("device"));
const addresses = Array.from({ length: 4_000 }, (_, n) => `203.0.${n >> 8}.${n & 255}`);
/** One of a list, its first far oftener than its last. */
const some = <T>(list: readonly T[]): T => list[Math.floor(list.length * Math.random() ** 3)] as T;
const endpoint = "/api/v1/orgs/{org}/devices/{device}/commands";

type Drawn = { phase: "event" | "intent" | "outcome"; event: AuditFields };

/** What happens at a school: mostly calls, some sign-ins, few denials, and now and then a change of somebody's role. */
function draw(): Drawn {
  const user = some(people);
  const luck = Math.random();
  const call = { type: "api_call", user_id: user, endpoint, method: "POST" } as const;
  if (luck < 0.35) return { phase: "intent", event: { ...call, status_code: null, duration_ms: null } };
  if (luck < 0.85)
    return { phase: "outcome", event: { ...call, status_code: luck < 0.83 ? 200 : 404, duration_ms: 12 } };
  if (luck < 0.93) {
    const failed = luck < 0.86;
    const event: AuditFields = {
      type: "login",
      user_id: user,
      ip: some(addresses),
      user_agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0",
      outcome: failed ? "failure" : "success",
      mfa: failed ? "not_reached" : "passed",
      method: "password",
      reason: failed ? "wrong_password" : null,
      country: luck < 0.92 ? "IN" : "DE",
    };
    return { phase: "event", event };
  }
  if (luck < 0.94) {
    const denied = { ip: some(addresses), country: "IN", endpoint, method: "POST", code: "forbidden" };
    return { phase: "event", event: { type: "access_denied", user_id: user, ...denied } };
  }
  if (luck < 0.9999) {
    const command_id = makeId("command", startMs, randomBytes(10));
    const device_id = some(devices);
    return { phase: "event", event: { type: "device_command", user_id: user, device_id, command_id, command: "ping" } };
  }
  const target_user_id = some(people);
  return {
    phase: "event",
    event: { type: "role_change", admin_id: user, target_user_id, old_role: "viewer", new_role: "admin" },
  };
}

function fill(database: DatabaseSync, entries: number): void {
  const insert = database.prepare("INSERT INTO entries VALUES (?, ?, ?, ?, NULL, NULL, ?, ?, ?, ?, ?, ?, ?, 0)");
  const insertFacet = database.prepare("INSERT OR IGNORE INTO facets VALUES (?, ?, ?)");
  const request = id("request");
  const insertAddress = database.prepare("INSERT INTO addresses VALUES (?, ?, ?)");
  database.exec("CREATE TABLE subjects (subject INTEGER PRIMARY KEY) STRICT");
  for (let subject = 1; subject <= people.length; subject += 1)
    database.prepare("INSERT INTO subjects VALUES (?)").run(subject);
  // Leaves are of their usual length; no search looks into them.
  const leaf = "x".repeat(560);
  const hash = "0".repeat(64);
  database.exec("BEGIN");
  for (let seq = 1; seq <= entries; seq += 1) {
    const { phase, event } = draw();
    const [actor, target] = [actorOf(event), targetOf(event)];
    const personal = JSON.stringify({ user_id: { value: actor, salt: "AAAAAAAAAAAAAAAAAAAAAA" } });
    const at = startMs + seq * stepMs;
    insert.run(seq, at, request, phase, event.type, actor, target, JSON.stringify(event), personal, leaf, hash);
    for (const [name, value] of facetsOf({ phase, result: null, event })) insertFacet.run(name, value, seq);
    const address = addressOf(event);
    if (address !== null) insertAddress.run(1 + people.indexOf(actor ?? ""), seq, address);
    if (seq % 100_000 === 0) database.exec("COMMIT; BEGIN");
    if (seq % 1_000_000 === 0) console.error(`${seq} entries`);
  }
  database.exec("COMMIT");
}

const everything: AuditFilter = { type: null, actor: null, fromMs: null, toMs: null, beforeSeq: null, limit: 50 };

function casesOf(entries: number): readonly (readonly [what: string, filter: () => Partial<AuditFilter>])[] {
  const [busy, rare] = [people[0] as string, people.at(-1) as string];
  const anywhere = (): number => 1 + Math.floor(Math.random() * entries);
  const day = 24 * 3600_000;
  const someDay = (): Partial<AuditFilter> => {
    const fromMs = startMs + anywhere() * stepMs;
    return { fromMs, toMs: fromMs + day };
  };
  return [
    ["nothing asked for, the newest page", () => ({})],
    ["nothing asked for, a page anywhere", () => ({ beforeSeq: anywhere() })],
    ["type: the commonest", () => ({ type: "api_call", beforeSeq: anywhere() })],
    ["type: one in ten thousand", () => ({ type: "role_change", beforeSeq: anywhere() })],
    ["actor: the busiest", () => ({ actor: busy, beforeSeq: anywhere() })],
    ["actor: the quietest", () => ({ actor: rare })],
    ["target: a device", () => ({ target: some(devices), beforeSeq: anywhere() })],
    ["address", () => ({ address: some(addresses), beforeSeq: anywhere() })],
    ["country: one in a hundred", () => ({ country: "DE", beforeSeq: anywhere() })],
    ["outcome: denied", () => ({ outcome: "denied", beforeSeq: anywhere() })],
    ["a day anywhere", someDay],
    ["a day, denied", () => ({ ...someDay(), outcome: "denied" })],
    ["actor, type and outcome", () => ({ actor: busy, type: "login", outcome: "failure", beforeSeq: anywhere() })],
    ["two that are common and never meet", () => ({ type: "device_command", outcome: "failure" })],
    ["three that are common and never meet", () => ({ type: "login", country: "IN", outcome: "denied", actor: busy })],
  ];
}

/** Names as long as what stands for them in a log's object; which ones they are makes no difference to a search. */
const names: IndexNames = { who: (id) => [id], address: (address) => ({ tag: address, plain: null }) };

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.floor((sorted.length - 1) * q)] as number;

function measure(database: DatabaseSync, search: EntrySearch, filter: () => Partial<AuditFilter>): string {
  const row = database.prepare("SELECT * FROM entries WHERE seq = ?");
  const times: number[] = [];
  let found = 0;
  for (let page = 0; page < pagesPerCase; page += 1) {
    const asked = { ...everything, ...filter() };
    const startedAt = performance.now();
    const { seqs } = search.page(asked, names);
    for (const seq of seqs) row.get(seq);
    times.push(performance.now() - startedAt);
    found += seqs.length;
  }
  times.sort((a, b) => a - b);
  const at = (q: number): string => quantile(times, q).toFixed(2);
  return `${at(0.5)} / ${at(0.99)} / ${at(1)} ms, ${Math.round(found / pagesPerCase)} entries`;
}

/** The same page without a bound: what the log asked before. */
function unbounded(database: DatabaseSync): string {
  const query = "SELECT * FROM entries WHERE seq < ? AND type = ? AND actor = ? ORDER BY seq DESC LIMIT 51";
  const startedAt = performance.now();
  database.prepare(query).all(Number.MAX_SAFE_INTEGER, "export", people[0] as string);
  return `${Math.round(performance.now() - startedAt)} ms`;
}

const entries = Number(process.argv[2] ?? entriesDefault);
const folder = mkdtempSync(join(tmpdir(), "audit-search-"));
try {
  const file = join(folder, "log.sqlite");
  const database = new DatabaseSync(file);
  database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000");
  database.exec(entriesSchema);
  const storage = storageOf(database);
  new FacetStore(storage);
  fill(database, entries);
  // As an object has it: some megabytes, not all that a developer's machine could give.
  database.exec("PRAGMA cache_size = -16000");
  const search = new EntrySearch(storage);
  const rows: Row[] = casesOf(entries).map(([what, filter]) => ({
    what,
    value: measure(database, search, filter),
    beside: "–",
  }));
  rows.push({
    what: "a common actor with a type that they never did, without the bound",
    value: unbounded(database),
    beside: "–",
  });
  rows.push({
    what: "bytes an entry, with every index",
    value: `${Math.round(statSync(file).size / entries)}`,
    beside: "–",
  });
  printReport(rows, `${entries} entries, ${pagesPerCase} pages of 50 each: p50 / p99 / longest`);
} finally {
  rmSync(folder, { recursive: true });
}
