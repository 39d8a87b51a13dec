/** A log as a file, over a log that is really signed; what was written is verified offline by the operator's tool. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { originOf } from "../../../core/audit/checkpoint.ts";
import type { AuditEntry, AuditFields } from "../../../core/audit/events.ts";
import { type HashReader, inclusionProof } from "../../../core/audit/tree.ts";
import type { OrgId } from "../../../core/ids.ts";
import { stepUpMsMax } from "../../../core/limits.ts";
import { verifyTable } from "../../../scripts/cli/audit/proved-table.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { newLogKey, SignedLog, sha256 } from "../../support/signed-log.ts";
import { runCli } from "../cli/run-cli.ts";
import { sinkEntry } from "../data/support.ts";
import { newUserId } from "../support.ts";
import { createHarness, type Harness, type Sent } from "./harness.ts";

let studio: Harness;
let folder: string;
/** The log that is shown, whichever organisation asks. */
let log: SignedLog;
let entries: AuditEntry[] = [];
/** Entries under the newest checkpoint. */
let signed = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-export-"));
  studio = await createHarness((services: Services) => ({
    ...services,
    auditProofs: {
      ...services.auditProofs,
      checkpoint: async () => {
        const note = await log.checkpoint(signed);
        const view = { origin: log.key.verifier.name, size: signed, note, signedMs: 0, keys: [log.key.text] };
        return { ...view, pending: 0, pendingSinceMs: null, cosigned: [] };
      },
      tile: async (_call, { level, index, width }) => {
        const from = index * 256;
        if (level === 0) return new Uint8Array(Buffer.concat(log.hashes.slice(from, from + width)));
        const leaves = log.leaves.slice(from, from + width).map((leaf) => {
          const bytes = Buffer.from(leaf);
          return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
        });
        return new Uint8Array(Buffer.concat(leaves));
      },
      inclusion: async (_call, seq, wanted) => {
        const size = wanted ?? signed;
        const read: HashReader = (level, from, to) => (level === 0 ? log.hashes.slice(from, to) : []);
        const proof = inclusionProof(read, seq - 1, size, sha256).map((hash) => new Uint8Array(hash));
        return { seq, size, leafJson: log.leaves[seq - 1] as string, proof, root: new Uint8Array(32), note: "" };
      },
    },
    auditReader: {
      ...services.auditReader,
      list: async (_call, { beforeSeq, limit, type }) => {
        const below = entries.filter((one) => one.seq < (beforeSeq ?? Number.POSITIVE_INFINITY));
        const found = below.filter(({ event }) => type === null || event.type === type).toReversed();
        const items = found.slice(0, limit);
        return { items, nextBeforeSeq: found.length > limit ? (items.at(-1)?.seq ?? null) : null };
      },
    },
  }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Org = Awaited<ReturnType<Harness["newOrg"]>>;

/** An organisation whose log has so many entries. */
async function withLog(size: number): Promise<Org> {
  const org = await studio.newOrg();
  log = new SignedLog(await newLogKey(originOf("https://sentinel.test", org.id as OrgId)), 0);
  entries = [];
  grow(org, size);
  signed = size;
  return org;
}
function grow(org: Org, count: number): void {
  for (let added = 0; added < count; added += 1) {
    const seq = entries.length + 1;
    const event: AuditFields = {
      type: "login",
      user_id: newUserId(),
      ip: "203.0.113.7",
      user_agent: "=cmd|' /C calc'!A0",
      outcome: seq % 2 === 0 ? "success" : "failure",
      mfa: "none",
    };
    const { entry, leafJson } = sinkEntry(org.id, seq, event);
    entries.push(entry);
    log.leaves.push(leafJson);
  }
}

const ask = (org: Org, query: string, token = org.owner.token) =>
  studio.send("GET", `/api/v1/orgs/${org.slug}/audit/export?${query}`, { token });
async function all(org: Org, query: string, between: () => void = () => undefined): Promise<Sent[]> {
  const parts: Sent[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const part: Sent = await ask(org, cursor === "" ? query : `${query}&cursor=${encodeURIComponent(cursor)}`);
    expect(part.status).toBe(200);
    parts.push(part);
    cursor = part.body.next_cursor;
    between();
  }
  return parts;
}
const textOf = (parts: readonly Sent[]): string => parts.map(({ body }) => body.text).join("");
function file(text: string): string {
  const path = join(folder, `${crypto.randomUUID()}.jsonl`);
  writeFileSync(path, text);
  return path;
}

describe("a log that is exported as JSON lines", () => {
  it("is verified offline as it is, although the log grew meanwhile, and a line that is changed is named", async () => {
    const org = await withLog(600);
    const parts = await all(org, "format=jsonl", () => {
      grow(org, 3);
      signed = entries.length;
    });
    const text = textOf(parts);
    const verified = await runCli(["audit", "verify", file(text)]);
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringContaining("600")]);
    const forged = text.replace(/^\{"seq":300,.*$/m, (line) =>
      line.replace('\\"outcome\\":\\"success', '\\"outcome\\":\\"failure'),
    );
    expect(forged).not.toBe(text);
    const refused = await runCli(["audit", "verify", file(forged)]);
    expect([refused.status, refused.stdout]).toEqual([1, expect.stringContaining("300")]);
    // Each leaf with what it means to who may read it.
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const leaves = lines.filter(({ leaf }) => leaf !== undefined);
    expect(leaves.map(({ seq }) => seq)).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
    expect(leaves[41].entry).toEqual({ ...entries[41], code: 1001, schema_version: 1 });
  });

  it("tells how far it is, and goes on from any part that came", async () => {
    const org = await withLog(600);
    const parts = await all(org, "format=jsonl");
    expect(parts.map(({ body }) => body.done)).toEqual([0, 0, 256, 512, 600]);
    expect(parts.every(({ body }) => body.total === 600)).toBe(true);
    const cursor = encodeURIComponent(parts[2]?.body.next_cursor);
    const again = await ask(org, `format=jsonl&cursor=${cursor}`);
    expect(again.body).toEqual(parts[3]?.body);
  });

  it("is on record once, before its first part is out, and takes no filter", async () => {
    const org = await withLog(600);
    const parts = await all(org, "format=jsonl");
    const events = parts.map(({ requestId }) => studio.audit.of(requestId).map(({ event }) => event));
    const exported = (event: { type: string }) => event.type === "export";
    expect(events.map((one) => one.filter(exported).length)).toEqual([1, 0, 0, 0, 0]);
    expect(events[0]?.find(exported)).toMatchObject({ user_id: org.owner.id, format: "audit-log+jsonl" });
    studio.audit.down.append = true;
    try {
      const silent = await ask(org, "format=jsonl");
      expect([silent.status, silent.body.code, silent.text.includes("sentinel-audit-log")]).toEqual([
        ...[503, "audit_unavailable", false],
      ]);
    } finally {
      studio.audit.down.append = false;
    }
    expect((await ask(org, "format=jsonl&type=login")).status).toBe(422);
  });
});

describe("a log that is exported as a table", () => {
  it("has each entry once, newest first, and no formula", async () => {
    const org = await withLog(450);
    const text = textOf(await all(org, "format=csv"));
    const lines = text.trimEnd().split("\r\n");
    expect(lines.slice(1).map((line) => Number(/^"(\d+)"/.exec(line)?.[1]))).toEqual(
      Array.from({ length: 450 }, (_, index) => 450 - index),
    );
    expect(text).not.toMatch(/(?:^|,)"[=+\-@\t\r]/m);
  });

  it("has what was asked for; a cursor is good for that alone, and for nobody else", async () => {
    const org = await withLog(450);
    expect(
      textOf(await all(org, "format=csv&type=api_call"))
        .trimEnd()
        .split("\r\n"),
    ).toHaveLength(1);
    const { body } = await ask(org, "format=csv&type=login");
    const cursor = encodeURIComponent(body.next_cursor);
    const admin = await studio.newMember(org, "admin");
    for (const [query, token] of [
      [`format=csv&cursor=${cursor}`, org.owner.token],
      [`format=csv&type=login&outcome=failure&cursor=${cursor}`, org.owner.token],
      [`format=jsonl&cursor=${cursor}`, org.owner.token],
      [`format=csv&type=login&cursor=${cursor}`, admin.token],
      [`format=csv&type=login&cursor=x${cursor}`, org.owner.token],
    ] as const) {
      const sent = await ask(org, query, token);
      expect([query, sent.status, sent.body.code]).toEqual([query, 400, "invalid_cursor"]);
    }
  });
});

describe("a log that is exported as a table with proofs", () => {
  const verify = (text: string) => runCli(["audit", "verify", file(text)]);

  it("is verified offline row by row, although the log grew meanwhile, and says whether it is whole", async () => {
    const org = await withLog(130);
    const parts = await all(org, "format=csv_proofs", () => {
      grow(org, 3);
      signed = entries.length;
    });
    expect(parts.map(({ body }) => body.done)).toEqual([0, 50, 100, 130]);
    const text = textOf(parts);
    expect(text).not.toMatch(/(?:^|,)"[=+\-@\t\r]/m);
    const verified = await verify(text);
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringContaining("130 rows are what was signed")]);
    expect(verified.stdout).toContain("They are the whole log");
    const events = parts.map(({ requestId }) => studio.audit.of(requestId).map(({ event }) => event));
    expect(events[0]).toContainEqual(expect.objectContaining({ type: "export", format: "audit-log+csv_proofs" }));
  });

  it("may be of what was asked for, and then says that of the rest it says nothing", async () => {
    const org = await withLog(20);
    entries = entries.filter(({ seq }) => seq % 3 === 0);
    const verified = await verify(textOf(await all(org, "format=csv_proofs&type=login")));
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringContaining("6 rows are what was signed")]);
    expect(verified.stdout).toContain("not the whole log");
  });

  it("names the row that somebody changed, wherever, and one that is of no log or there twice", async () => {
    const org = await withLog(20);
    const text = textOf(await all(org, "format=csv_proofs"));
    const row = /^"12",.*$/m.exec(text)?.[0] as string;
    expect(row).toContain('"203.0.113.7"');
    const with12 = (changed: string) => text.replace(row, () => changed);
    const forgeries: readonly (readonly [string, string])[] = [
      ["shown_differs", with12(row.replace('"login"', '"api_call"'))],
      ["shown_differs", with12(row.replace('"success"', '"failure"'))],
      ["shown_differs", with12(row.replace('"203.0.113.7"', '"198.51.100.1"'))],
      ["shown_differs", with12(row.replace('""outcome"":""success""', '""outcome"":""failure""'))],
      ["other_leaf", with12(row.replace(/"[0-9a-f]{64}"/, `"${"0".repeat(64)}"`))],
      ["other_leaf", with12(row.replaceAll('""outcome"":""success""', '""outcome"":""failure""'))],
      ["twice", text.replace(row, () => `${row}\r\n${row}`)],
      ["not_in_log", with12(row.replace(/("\{""at.*\}"),"[^"]*"/, '$1,""'))],
    ];
    for (const [why, forged] of forgeries) {
      expect(forged).not.toBe(text);
      const { isGood, lines } = await verifyTable(file(forged), null);
      expect([why, isGood, lines[0]]).toEqual([why, false, expect.stringMatching(new RegExp(`✗ entry 12: .*${why}`))]);
    }
    const unsigned = text.replace(/\n20\n/, "\n19\n");
    const refused = await verify(unsigned);
    expect([refused.status, refused.stdout]).toEqual([1, expect.stringContaining("checkpoint_not_signed")]);
    const plain = await verify(textOf(await all(org, "format=csv")));
    expect([plain.status, plain.stderr]).toEqual([1, expect.stringContaining("csv_proofs")]);
    for (const cut of [text.slice(0, -9), text.replace('"12",', "12,")])
      await expect(verifyTable(file(cut), null)).rejects.toMatchObject({ code: "bad_table" });
  });
});

describe("who may export a log", () => {
  it("is who may read it, and of a long one only with a fresh proof", async () => {
    const org = await withLog(1000);
    const reader = await studio.newMember(org, "readonly");
    expect((await ask(org, "format=csv", reader.token)).status).toBe(200);
    for (const role of ["analyst", "viewer"] as const)
      expect((await ask(org, "format=csv", (await studio.newMember(org, role)).token)).status).toBe(403);
    expect((await ask(org, "format=csv", (await studio.newAccount()).token)).status).toBe(404);
    studio.clock.nowMs += stepUpMsMax + 1;
    expect((await ask(org, "format=csv")).status).toBe(200);
    grow(org, 1);
    signed = entries.length;
    const long = await ask(org, "format=csv");
    expect([long.status, long.body.code]).toEqual([401, "step_up_required"]);
  });
});
