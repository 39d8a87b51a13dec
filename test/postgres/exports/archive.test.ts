/** Documents as a zip: what is in it, whose they are, what is on record, and what is left when it is killed. */
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { zipBytesMax } from "../../../core/exports/job.ts";
import { archiveName } from "../../../core/exports/zip/names.ts";
import type { ExportId } from "../../../core/ids.ts";
import { runExport } from "../../../workers/studio/exports/run.ts";
import { runExportUpkeep } from "../../../workers/studio/exports/upkeep.ts";
import type { Services } from "../../../workers/studio/services.ts";
import type { Organisation } from "../../attack/tenant/whole-kit.ts";
import { filesIn, inFolder, readByPython, readByUnzip, writeZip } from "../../support/zip-readers.ts";
import type { Account } from "../studio/harness.ts";
import { asSuperuser } from "../support.ts";
import { expectNothingElse, madeThrough, objectsOf, outlived, partsOf, settled } from "./dying.ts";
import { createExportsKit, type ExportsKit, tableOf, type Wanted } from "./kit.ts";

let kit: ExportsKit;
let org: Organisation;
let analyst: Account;
const wanted: Wanted = { source: "documents", format: "zip" };
/** By id, what each holds. */
const documents = new Map<string, { readonly name: string; readonly bytes: Buffer }>();

async function upload(name: string, bytes: Buffer, by: Account = org.owner): Promise<string> {
  const at = `/api/v1/orgs/${org.id}/documents`;
  const { status, body: begun } = await kit.send("POST", at, {
    body: { name, size_bytes: bytes.length },
    token: by.token,
  });
  expect([name, status, begun.code]).toEqual([name, 201, undefined]);
  const path = `${at}/${begun.document_id}/uploads/${begun.id}`;
  const headers = { "Content-Type": "application/octet-stream", "Content-Length": String(bytes.length) };
  const sent = await kit.send("PUT", `${path}/parts/1`, {
    rawBody: bytes.toString("latin1"),
    headers,
    token: by.token,
  });
  expect([name, sent.status]).toEqual([name, 204]);
  expect((await kit.send("POST", `${path}/complete`, { token: by.token })).status).toBe(200);
  // What is asked for from now on has it.
  kit.clock.nowMs = Date.now();
  return begun.document_id;
}
/** Bytes that travel as text. */
const lettersOf = (length: number): Buffer => Buffer.from(randomBytes(length).toString("hex").slice(0, length));

beforeAll(async () => {
  kit = await createExportsKit();
  org = await kit.organisation();
  analyst = await kit.newMember(org, "analyst");
  for (let at = 0; at < 52; at += 1) {
    const [name, bytes] = [`letter ${at}.txt`, lettersOf(at === 3 ? 200_000 : (at + 1) * 10)];
    documents.set(await upload(name, bytes), { name, bytes });
  }
  // A name that the door refuses: whatever lies in the row, nothing leaves the folder.
  const [first = ""] = documents.keys();
  const name = "../../=evil.txt";
  await asSuperuser(
    `UPDATE ${org.tenant.name}.documents SET name = $2 WHERE id = $1`,
    [first, name],
    org.tenant.placement,
  );
  documents.set(first, { name, bytes: documents.get(first)?.bytes ?? Buffer.alloc(0) });
}, 240_000);
beforeEach(() => {
  kit.clock.nowMs = Date.now();
});

const filesOf = async (id: ExportId): Promise<Record<string, Uint8Array>> => unzipSync(await kit.openResult(org, id));
const listOf = (files: Record<string, Uint8Array>) => tableOf(new TextDecoder().decode(files["documents.csv"]));
const readings = (from: number) =>
  kit.audit.events
    .slice(from)
    .map(({ event }) => event)
    .filter((event) => event.type === "data_access" && event.action === "read");

describe("an archive of documents", () => {
  it("holds each document's bytes, and a list of them that agrees; other programs read it too", async () => {
    const id = await kit.begin(org, org.owner, wanted);
    await kit.turn(id);
    const shown = await kit.show(org, org.owner, id);
    expect(shown).toMatchObject({ state: "done", rows: shown.rows_expected, percent: 100 });
    const bytes = await kit.openResult(org, id);
    expect(bytes.length).toBe(shown.bytes);
    const files = unzipSync(bytes);
    const list = listOf(files);
    // Two of the organisation's own besides.
    expect([list.length, Object.keys(files).length]).toEqual([documents.size + 2, documents.size + 3]);
    for (const [doc, { name, bytes: plain }] of documents) {
      const file = archiveName(name, doc);
      expect(Buffer.from(files[file] ?? [])).toEqual(plain);
      const sha256 = createHash("sha256").update(plain).digest("hex");
      const row = list.find(({ document_id }) => document_id === doc);
      expect(row).toMatchObject({ file, version: "1", size_bytes: String(plain.length), sha256, state: "included" });
    }
    inFolder((folder) => {
      const path = writeZip(folder, bytes);
      for (const read of [readByPython, readByUnzip]) {
        const into = join(folder, read.name);
        if (read(path, into)) expect(Object.keys(filesIn(into))).toHaveLength(Object.keys(files).length);
      }
      // Nothing beside the folders that it was unpacked into.
      expect(Object.keys(filesIn(folder)).filter((name) => !/^(it\.zip|readBy\w+(\/[^/]+)?)$/.test(name))).toEqual([]);
    });
  });

  it("is on record for each document before its bytes are read, in the name of whoever asked", async () => {
    const id = await kit.begin(org, org.owner, { ...wanted, documents: [...documents.keys()].slice(0, 3) });
    const before = kit.audit.events.length;
    await kit.turn(id);
    const read = [...documents.keys()].slice(0, 3).toSorted();
    expect(readings(before)).toEqual(
      read.map((document_id) => ({ type: "data_access", user_id: org.owner.id, document_id, action: "read" })),
    );
  });

  it("has nothing of a document in it when the log does not take the reading", async () => {
    const id = await kit.begin(org, org.owner, { ...wanted, documents: [...documents.keys()].slice(0, 3) });
    kit.audit.down.append = true;
    await expect(kit.turn(id)).rejects.toThrow();
    kit.audit.down.append = false;
    expect(await partsOf(id)).toEqual([]);
    await outlived(id);
    await kit.turn(id);
    expect((await kit.show(org, org.owner, id)).state).toBe("done");
  });

  it("holds what whoever asked sees at that moment, and names what was taken from them meanwhile", async () => {
    const [mine, shared = "", taken = ""] = [
      await upload("mine.txt", Buffer.from("mine"), analyst),
      ...documents.keys(),
    ];
    const at = `/api/v1/orgs/${org.id}/documents`;
    const shares: string[] = [];
    for (const doc of [shared, taken]) {
      const body = { kind: "user", grantee: analyst.id };
      shares.push((await kit.send("POST", `${at}/${doc}/shares`, { body, token: org.owner.token })).body.id);
    }
    const id = await kit.begin(org, analyst, wanted);
    const { services } = kit.studio;
    let noted = 0;
    const meddling: Services = {
      ...services,
      exports: {
        ...services.exports,
        step: (call, order) =>
          services.exports.step(call, {
            ...order,
            noteReading: async (document) => {
              noted += 1;
              // The first one is being read: what comes behind it is taken away.
              if (noted === 1) {
                const path = `${at}/${taken}/shares/${shares[1]}`;
                expect((await kit.send("DELETE", path, { token: org.owner.token })).status).toBe(204);
              }
              return order.noteReading(document);
            },
          }),
      },
    };
    await runExport(meddling, id);
    const list = listOf(unzipSync(await kit.openResult(org, id, analyst)));
    expect(Object.fromEntries(list.map(({ document_id, state }) => [document_id, state]))).toEqual({
      [mine]: "included",
      [shared]: "included",
      [taken]: "no_longer_there",
    });
  });

  it("names a document whose bytes do not open, and holds all others", async () => {
    const broken = await upload("broken.txt", Buffer.from("to be broken"));
    const whole = await upload("whole.txt", Buffer.from("whole"));
    await asSuperuser(
      `UPDATE ${org.tenant.name}.document_versions SET size_bytes = size_bytes - 1 WHERE document_id = $1`,
      [broken],
      org.tenant.placement,
    );
    const id = await kit.begin(org, org.owner, { ...wanted, documents: [broken, whole] });
    await kit.turn(id);
    const files = await filesOf(id);
    expect(listOf(files).map(({ state }) => state)).toEqual(["broken", "included"]);
    expect(Object.keys(files)).toEqual([archiveName("whole.txt", whole), "documents.csv"]);
  });

  it("names a document whose object is gone, and holds all others", async () => {
    const [lost, whole] = [
      await upload("lost.txt", Buffer.from("lost")),
      await upload("kept.txt", Buffer.from("kept")),
    ];
    const { objects } = await kit.documentBucket.list({ prefix: `${org.id}/${lost}/` });
    await kit.documentBucket.delete(objects.map(({ key }: { key: string }) => key));
    const id = await kit.begin(org, org.owner, { ...wanted, documents: [lost, whole] });
    await kit.turn(id);
    expect(listOf(await filesOf(id)).map(({ state }) => state)).toEqual(["broken", "included"]);
    await kit.send("DELETE", `/api/v1/orgs/${org.id}/documents/${lost}`, { token: org.owner.token });
  });

  it("is as far as its bytes are, within a document too", async () => {
    const [small, large] = [
      await upload("small.txt", lettersOf(1_000)),
      await upload("large.txt", lettersOf(8 * 1024 * 1024)),
    ];
    const id = await kit.begin(org, org.owner, { ...wanted, documents: [small, large] });
    const { services } = kit.studio;
    const seen: { percent: number; rows: number; bytes: number }[] = [];
    const looking: Services = {
      ...services,
      exports: {
        ...services.exports,
        step: (call, order) =>
          services.exports.step(call, {
            ...order,
            isWanted: async (bytes) => {
              const goesOn = await order.isWanted(bytes);
              seen.push(await kit.show(org, org.owner, id));
              return goesOn;
            },
          }),
      },
    };
    await runExport(looking, id);
    // A piece of four MiB was written, of some eight.
    expect(seen[0]?.rows).toBe(0);
    expect(Math.abs((seen[0]?.percent ?? 0) - 50)).toBeLessThan(5);
    expect(seen[0]).toMatchObject({ bytes_expected: 8 * 1024 * 1024 + 1_000 });
    const done = await kit.show(org, org.owner, id);
    expect(done).toMatchObject({ state: "done", percent: 100, rows: 2 });
    expect((await kit.openResult(org, id)).length).toBe(done.bytes);
  });

  it("is refused before it starts when there is more than it may hold, and of any other source", async () => {
    expect((await kit.ask(org, org.owner, { source: "inventory", format: "zip" })).status).toBe(422);
    const large = await upload("large.txt", Buffer.from("large"));
    const set = (bytes: number) =>
      asSuperuser(
        `UPDATE ${org.tenant.name}.document_versions SET size_bytes = $2 WHERE document_id = $1`,
        [large, bytes],
        org.tenant.placement,
      );
    const constraint = `ALTER TABLE ${org.tenant.name}.document_versions`;
    await asSuperuser(`${constraint} DROP CONSTRAINT document_versions_size_bytes_check`, [], org.tenant.placement);
    await set(zipBytesMax);
    const refused = await kit.ask(org, org.owner, wanted);
    await set(5);
    expect([refused.status, refused.body.code]).toEqual([413, "too_large"]);
  });

  it("killed before or behind any durable write is the same when somebody goes on, and leaves nothing else", async () => {
    const all = { ...wanted, documents: [...documents.keys()] };
    const first = await kit.begin(org, org.owner, all);
    await kit.turn(first);
    const whole = Buffer.from(await kit.openResult(org, first));
    for (let dies = 1; ; dies += 1) {
      const { id, outcome } = await madeThrough(kit, org, all, dies);
      expect([dies, Buffer.from(await kit.openResult(org, id)).equals(whole)]).toEqual([dies, true]);
      await expectNothingElse(kit, org, id, dies);
      if (outcome === "lived") return;
      // Each reading renews the claim, which is two points: of the first step's hundred one is enough.
      if (dies === 6) dies = 54;
      if (dies === 55) dies = 102;
    }
  }, 600_000);

  it("is given up in the midst of a step, which then ends", async () => {
    const { services } = kit.studio;
    const id = await kit.begin(org, org.owner, wanted);
    let noted = 0;
    const path = `/api/v1/orgs/${org.slug}/exports/${id}`;
    await runExport(
      {
        ...services,
        exports: {
          ...services.exports,
          step: (call, order) =>
            services.exports.step(call, {
              ...order,
              noteReading: async (document) => {
                noted += 1;
                if (noted === 2) await kit.send("DELETE", path, { token: org.owner.token });
                return order.noteReading(document);
              },
            }),
        },
      },
      id,
    );
    expect([noted, (await kit.show(org, org.owner, id)).state]).toEqual([2, "cancelled"]);
    await settled(id);
    await runExportUpkeep(services);
    expect(await objectsOf(kit, org, id)).toEqual([]);
  });
});
