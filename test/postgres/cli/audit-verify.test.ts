import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { headText, originOf } from "../../../core/audit/checkpoint.ts";
import type { AuditFields } from "../../../core/audit/events.ts";
import { GrowingTree } from "../../../core/audit/growing-tree.ts";
import { leafHash } from "../../../core/audit/leaf.ts";
import { formatNote, formatVerifier, keyIdOf, signatureTypes } from "../../../core/audit/signed-note.ts";
import type { OrgId } from "../../../core/ids.ts";
import type { SinkEntry } from "../../../core/rpc/data.ts";
import { buildAuditVerify } from "../../../scripts/audit-verify/build.ts";
import { linesOfLog } from "../../../scripts/cli/audit/log-file.ts";
import { sha256 } from "../../../scripts/cli/audit/shown-log.ts";
import { sinkEntry } from "../data/support.ts";
import { newOrgId, newUserId } from "../support.ts";
import { runCli } from "./run-cli.ts";
import { type UnguardedDatabase, unguardedDatabase } from "./unguarded-database.ts";

let superuser: UnguardedDatabase["superuser"];
let folder: string;
let urlFile: string;
let script: string;
/** The log's key; the attacker of these tests has the whole database and not this. */
let key: CryptoKeyPair;

beforeAll(async () => {
  const database = await unguardedDatabase();
  superuser = database.superuser;
  folder = mkdtempSync(join(tmpdir(), "sentinel-verify-"));
  urlFile = join(folder, "url");
  writeFileSync(urlFile, database.ownerUrl);
  script = await buildAuditVerify(join(folder, "sentinel-audit-verify.mjs"));
  key = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
});
afterAll(async () => {
  await superuser.end();
  rmSync(folder, { recursive: true, force: true });
});

const login = (): AuditFields => ({
  type: "login",
  user_id: newUserId(),
  ip: "203.0.113.7",
  user_agent: 'browser "é"',
  outcome: "success",
  mfa: "none",
});

const entriesOf = (org: OrgId, from: number, to: number): SinkEntry[] =>
  Array.from({ length: to - from + 1 }, (_, index) => sinkEntry(org, from + index, login()));

async function insert(entries: readonly SinkEntry[]): Promise<void> {
  for (const { entry, leafJson } of entries) {
    await superuser.query(
      `INSERT INTO audit.events (log, seq, occurred_at, request_id, phase, intent_seq, result, type, leaf_json, leaf_hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        entry.log,
        entry.seq,
        entry.at,
        entry.request_id,
        entry.phase,
        null,
        null,
        entry.event.type,
        leafJson,
        entry.leaf_hash,
      ],
    );
  }
}

/** What the log itself publishes over these entries, as `audit export` writes it. */
async function publish(org: OrgId, entries: readonly SinkEntry[], by: CryptoKeyPair = key): Promise<string> {
  const tree = new GrowingTree(sha256);
  const hashes = entries.map(({ leafJson }) => new Uint8Array(Buffer.from(leafHash(leafJson, sha256), "hex")));
  for (const hash of hashes) tree.add(hash);
  const origin = originOf("https://sentinel.test", org);
  const text = headText({ origin, size: entries.length, root: new Uint8Array(tree.root()) });
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", by.publicKey));
  const verifier = { name: origin, type: signatureTypes.ed25519, publicKey };
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", by.privateKey, Buffer.from(text)));
  const leaves = (async function* () {
    for (const { entry, leafJson } of entries) yield { seq: entry.seq, leafJson };
  })();
  const lines: string[] = [];
  const shown = {
    keys: [formatVerifier(verifier, sha256)],
    checkpoint: formatNote({ text, signatures: [{ name: origin, keyId: keyIdOf(verifier, sha256), signature }] }),
    cosigned: [],
    hashes: new Uint8Array(Buffer.concat(hashes)),
    leaves,
  };
  for await (const line of linesOfLog(shown)) lines.push(line);
  const path = join(folder, `${org}-${entries.length}-${crypto.randomUUID()}.log`);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

async function freshLog(size = 8) {
  const org = newOrgId();
  const entries = entriesOf(org, 1, size);
  await insert(entries);
  return { org, entries, file: await publish(org, entries), known: join(folder, `${org}.known`) };
}

const verify = (...args: string[]) => runCli(["audit", "verify", ...args]);
const withDatabase = (file: string) => verify(file, "--database-url-file", urlFile);
/** Takes a row out and puts another in its place, hashes and all, as somebody would who can compute them. */
async function rewrite(org: OrgId, seq: number, by: SinkEntry): Promise<void> {
  await superuser.query("DELETE FROM audit.events WHERE log = $1 AND seq = $2", [org, seq]);
  await insert([by]);
}

describe("audit verify: a log as it was signed", () => {
  it("is found good, from its file and against Postgres, also when it is longer than a tile", async () => {
    const { file, known } = await freshLog(300);
    const { status, stdout, stderr } = verify(file, "--database-url-file", urlFile, "--known", known);
    expect({ status, stderr, stdout }).toEqual({
      status: 0,
      stderr: "",
      stdout: expect.stringContaining("300 entries"),
    });
    expect(stdout).toMatch(/^✓ sentinel\/sentinel\.test\/org_\w+: 300 entries are what was signed\n$/);
  });

  it("may have grown since, and what waits for its checkpoint may be there for five minutes", async () => {
    const { org, entries, file, known } = await freshLog();
    expect(verify(file, "--known", known).status).toBe(0);
    const young = sinkEntry(org, 9, login(), { at: new Date().toISOString() });
    await insert([young]);
    expect(withDatabase(file).stdout).toContain("1 more wait for the next checkpoint");
    const later = await publish(org, [...entries, young]);
    expect(verify(later, "--known", known, "--database-url-file", urlFile).status).toBe(0);
    expect((JSON.parse(readFileSync(known, "utf8")) as { checkpoint: string }).checkpoint.split("\n")[1]).toBe("9");
  });

  it("is verified by the single file too, without this repository", async () => {
    const { file } = await freshLog();
    const run = (...args: string[]) => {
      const { status, stdout } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8", cwd: folder });
      return { status, stdout };
    };
    expect(run(file)).toMatchObject({ status: 0, stdout: expect.stringContaining("8 entries are what was signed") });
    const lines = readFileSync(file, "utf8").split("\n");
    lines[4] = (lines[4] as string).replace("success", "failure");
    writeFileSync(file, lines.join("\n"));
    expect(run(file)).toMatchObject({ status: 1, stdout: expect.stringContaining("entry 3: changed") });
    expect(run(file, "--unknown").status).toBe(2);
    expect(run(join(folder, "not-there")).status).toBe(1);
  });
});

describe("audit verify: somebody with the whole database", () => {
  it("changed an entry, its hash too: it is named", async () => {
    const { org, file } = await freshLog();
    await rewrite(org, 5, sinkEntry(org, 5, login()));
    const { status, stdout } = withDatabase(file);
    expect([status, stdout]).toEqual([1, expect.stringContaining("✗ the copy: entry 5: changed")]);
  });

  it("dropped an entry: it is named, also when the ones after it moved up, and when it was the last", async () => {
    const gap = await freshLog();
    await superuser.query("DELETE FROM audit.events WHERE log = $1 AND seq = 4", [gap.org]);
    expect(withDatabase(gap.file)).toMatchObject({ status: 1, stdout: expect.stringContaining("entry 4: dropped") });
    const moved = await freshLog();
    await superuser.query("DELETE FROM audit.events WHERE log = $1 AND seq = 4", [moved.org]);
    await superuser.query("UPDATE audit.events SET seq = seq - 1 WHERE log = $1 AND seq > 4", [moved.org]);
    expect(withDatabase(moved.file)).toMatchObject({ status: 1, stdout: expect.stringContaining("entry 4: dropped") });
    const end = await freshLog();
    await superuser.query("DELETE FROM audit.events WHERE log = $1 AND seq > 6", [end.org]);
    expect(withDatabase(end.file)).toMatchObject({ status: 1, stdout: expect.stringContaining("entry 7: dropped") });
    const all = await freshLog();
    await superuser.query("DELETE FROM audit.events WHERE log = $1", [all.org]);
    expect(withDatabase(all.file)).toMatchObject({ status: 1, stdout: expect.stringContaining("entry 1: dropped") });
  });

  it("reordered entries: the first that stands wrongly is named", async () => {
    const { org, file } = await freshLog();
    await superuser.query(
      "UPDATE audit.events SET seq = CASE seq WHEN 3 THEN 6 ELSE 3 END WHERE log = $1 AND seq IN (3, 6)",
      [org],
    );
    expect(withDatabase(file)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("entry 3: reordered: entry 6"),
    });
  });

  it("forged an entry: it is named, in between, under a number that is taken, and at the end", async () => {
    const between = await freshLog();
    await superuser.query("UPDATE audit.events SET seq = seq + 1 WHERE log = $1 AND seq > 4", [between.org]);
    await insert([sinkEntry(between.org, 5, login())]);
    expect(withDatabase(between.file)).toMatchObject({ status: 1, stdout: expect.stringContaining("entry 5: forged") });
    const twice = await freshLog();
    await insert([sinkEntry(twice.org, 5, login())]);
    expect(withDatabase(twice.file)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/entry 5: (forged|changed)/),
    });
    const end = await freshLog();
    await insert([sinkEntry(end.org, 9, login())]);
    expect(withDatabase(end.file)).toMatchObject({ status: 1, stdout: expect.stringContaining("entry 9: forged") });
  });
});

describe("audit verify: somebody with the log itself", () => {
  it("rolled it back: that is named, however well it is signed", async () => {
    const { org, entries, file, known } = await freshLog();
    expect(verify(file, "--known", known).status).toBe(0);
    const shorter = await publish(org, entries.slice(0, 6));
    const { status, stdout } = verify(shorter, "--known", known);
    expect([status, stdout]).toEqual([1, expect.stringContaining("✗ rolled_back: the log had 8 entries")]);
    // And what is known is not forgotten for it.
    expect(verify(shorter, "--known", known).status).toBe(1);
    expect(verify(shorter).status).toBe(0);
  });

  it("forked it: that is named, also when the fork is longer and well signed", async () => {
    const { org, entries, file, known } = await freshLog();
    expect(verify(file, "--known", known).status).toBe(0);
    const fork = [...entries.slice(0, 5), ...entriesOf(org, 6, 12)];
    const forked = await publish(org, fork);
    expect(verify(forked, "--known", known)).toMatchObject({ status: 1, stdout: expect.stringContaining("✗ forked:") });
    expect(verify(await publish(org, entries), "--known", known).status).toBe(0);
  });

  it("signed with another key, or showed hashes that were not signed, or another log", async () => {
    const { org, entries, file, known } = await freshLog();
    expect(verify(file, "--known", known).status).toBe(0);
    const other = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const bySomebody = await publish(org, entriesOf(org, 1, 9), other);
    expect(verify(bySomebody, "--known", known).stdout).toContain("✗ checkpoint_not_signed");
    const lines = readFileSync(file, "utf8").split("\n");
    const [head, tile] = [JSON.parse(lines[0]!), JSON.parse(lines[1]!)] as [Record<string, string>, { hashes: string }];
    const bytes = Buffer.from(tile.hashes, "base64");
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    const broken = join(folder, "broken.log");
    const write = (first: object, second: object) =>
      writeFileSync(broken, [JSON.stringify(first), JSON.stringify(second), ...lines.slice(2)].join("\n"));
    write(head, { ...tile, hashes: bytes.toString("base64") });
    expect(verify(broken).stdout).toContain("✗ hashes_not_signed");
    write(head, { ...tile, hashes: bytes.subarray(32).toString("base64") });
    expect(verify(broken).stdout).toContain("✗ hashes_not_signed");
    write({ ...head, checkpoint: head["checkpoint"]!.replace("\n8\n", "\n7\n") }, tile);
    expect(verify(broken).stdout).toContain("✗ checkpoint_not_signed");
    const stranger = await freshLog();
    const known2 = join(folder, "two.known");
    const keysOf = (path: string) =>
      (JSON.parse(readFileSync(path, "utf8").split("\n")[0]!) as { keys: string[] }).keys;
    const checkpoint = (JSON.parse(readFileSync(known, "utf8")) as { checkpoint: string }).checkpoint;
    writeFileSync(known2, JSON.stringify({ keys: [...keysOf(file), ...keysOf(stranger.file)], checkpoint }));
    expect(verify(stranger.file, "--known", known2).stdout).toContain("✗ other_log");
    expect(entries).toHaveLength(8);
  });

  it("is told apart from a file that is none, and from keys that are none", async () => {
    const { file, known } = await freshLog();
    const odd = join(folder, "odd.log");
    for (const text of ["", "{}", "not json", '{"format":"sentinel-audit-log/2","keys":[],"checkpoint":""}']) {
      writeFileSync(odd, text);
      expect(verify(odd), text).toMatchObject({ status: 1, stderr: expect.stringContaining("bad_log_file") });
    }
    writeFileSync(known, "{}");
    expect(verify(file, "--known", known).stderr).toContain("bad_known_file");
    writeFileSync(known, JSON.stringify({ keys: ["nonsense"], checkpoint: "" }));
    expect(verify(file, "--known", known).stderr).toContain("bad_key");
    expect(verify("https://user:secret@sentinel.test/x").status).toBe(2);
    expect(verify("http://sentinel.test/x", "--key-file", urlFile)).toMatchObject({ status: 2 });
    expect(verify("https://sentinel.test/x")).toMatchObject({ status: 2, stderr: expect.stringContaining("no_key") });
  });
});
