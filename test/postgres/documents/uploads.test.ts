/** From the first part to the last byte that is read: the capability over real Postgres and a real R2. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partBytes, sealedLength } from "../../../core/documents/layout.ts";
import { sql } from "../../../store/connect.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { type FreshTenant, freshTenant } from "../support.ts";
import {
  accepted,
  codeOf,
  createDocumentsKit,
  type DocumentsKit,
  oneOfEach,
  personOf,
  placeOf,
  streamOf,
} from "./kit.ts";

let kit: DocumentsKit;
let tenant: FreshTenant;
const people = oneOfEach();
const { owner, analyst } = people;
beforeAll(async () => {
  kit = await createDocumentsKit();
  tenant = await freshTenant();
});
afterAll(() => kit.stop());

const bytesOf = (length: number): Buffer => randomBytes(length);

describe("a document", () => {
  it("of several parts is read as it was sent, whole and by any range", async () => {
    const bytes = bytesOf(2 * partBytes + 70_001);
    const { id, version } = await kit.upload(tenant.org, owner, bytes);
    expect(version).toMatchObject({ number: 1, sizeBytes: bytes.length });
    expect((await kit.read(tenant.org, owner, id)).equals(bytes)).toBe(true);
    const across = { kind: "from", first: partBytes - 3, last: 2 * partBytes + 5 } as const;
    expect(await kit.read(tenant.org, owner, id, { range: across })).toEqual(
      bytes.subarray(across.first, across.last + 1),
    );
    const tail = { kind: "suffix", length: 9 } as const;
    expect(await kit.read(tenant.org, owner, id, { range: tail })).toEqual(bytes.subarray(-9));
    const open = { kind: "from", first: bytes.length - 1, last: null } as const;
    expect(await kit.read(tenant.org, owner, id, { range: open })).toEqual(bytes.subarray(-1));
  });

  it.each([0, 1, 65_536])("of %i bytes is read as it was sent", async (length) => {
    const bytes = bytesOf(length);
    const { id } = await kit.upload(tenant.org, owner, bytes);
    expect((await kit.read(tenant.org, owner, id)).equals(bytes)).toBe(true);
  });

  it("lies sealed in the bucket, in its organisation's folder, and its key in no row in clear", async () => {
    const text = Buffer.from("the head teacher's salary is ".repeat(50));
    const { id } = await kit.upload(tenant.org, owner, text);
    const [name = ""] = (await kit.objects(tenant.org)).filter((object) => object.includes(id));
    expect(name.startsWith(`${tenant.org}/${id}/`)).toBe(true);
    const object = Buffer.from((await (await kit.bucket.get(name))?.arrayBuffer()) ?? []);
    expect(object.length).toBe(sealedLength(text.length));
    expect(object.includes("salary")).toBe(false);
    const [rows] = await tenant.run("system", null, sql`SELECT wrapped_key FROM documents WHERE id = ${id}`);
    expect(rows?.[0]?.["wrapped_key"]).toMatch(/^w1\.dky_/);
  });

  it("whose range holds no byte of it is refused with its size", async () => {
    const { id } = await kit.upload(tenant.org, owner, bytesOf(10));
    const range = { kind: "from", first: 10, last: null } as const;
    const wanted = { version: null, range, ifRange: null };
    expect(await kit.documents.openContent(await kit.as(tenant.org, owner), id, wanted)).toEqual({
      ok: false,
      code: "invalid_range",
      sizeBytes: 10,
    });
  });

  it("gives its whole when a range is asked of other bytes than these", async () => {
    const bytes = bytesOf(10);
    const { id } = await kit.upload(tenant.org, owner, bytes);
    const range = { kind: "from", first: 5, last: null } as const;
    expect(await kit.read(tenant.org, owner, id, { range, ifRange: '"upl_of_another"' })).toEqual(bytes);
    const wanted = { version: null, range, ifRange: null };
    const { entityTag } = accepted(await kit.documents.openContent(await kit.as(tenant.org, owner), id, wanted));
    expect(await kit.read(tenant.org, owner, id, { range, ifRange: entityTag })).toEqual(bytes.subarray(5));
  });

  it.each([
    [
      "one byte of the object was changed",
      (object: Buffer) => void object.writeUInt8(object.readUInt8(object.length >> 1) ^ 1, object.length >> 1),
    ],
    ["the object is another's", (object: Buffer) => void randomBytes(object.length).copy(object)],
  ])("is not read when %s", async (_what, spoil) => {
    const { id } = await kit.upload(tenant.org, owner, bytesOf(200_000));
    const [name = ""] = (await kit.objects(tenant.org)).filter((object) => object.includes(id));
    const object = Buffer.from((await (await kit.bucket.get(name))?.arrayBuffer()) ?? []);
    spoil(object);
    await kit.bucket.delete(name);
    const upload = await kit.bucket.createMultipartUpload(name);
    const put = await kit.bucket.resumeMultipartUpload(name, upload.uploadId).uploadPart(1, streamOf(object));
    await kit.bucket.resumeMultipartUpload(name, upload.uploadId).complete([put]);
    await expect(kit.read(tenant.org, owner, id)).rejects.toThrow(/does not open/);
  });
});

describe("an upload", () => {
  it("goes on where it was broken off, in any order, and a part that is sent again takes the place of the one before", async () => {
    const bytes = bytesOf(2 * partBytes + 5);
    const upload = await kit.begin(tenant.org, analyst, bytes.length);
    const put = async (part: number, from: Buffer) =>
      codeOf(
        await kit.documents.putPart(
          await kit.as(tenant.org, analyst),
          placeOf(upload, part),
          streamOf(from.subarray((part - 1) * partBytes, part * partBytes)),
        ),
      );
    const here = async () =>
      accepted(await kit.documents.findUpload(await kit.as(tenant.org, analyst), upload.document, upload.id)).partsHere;
    expect(await put(3, bytes)).toBe("ok");
    expect(await put(1, bytesOf(bytes.length))).toBe("ok");
    expect(await here()).toEqual([1, 3]);
    expect(codeOf(await kit.complete(tenant.org, analyst, upload))).toBe("conflict");
    expect(await put(1, bytes)).toBe("ok");
    expect(await put(2, bytes)).toBe("ok");
    expect(await here()).toEqual([1, 2, 3]);
    const { id } = accepted(await kit.complete(tenant.org, analyst, upload));
    expect((await kit.read(tenant.org, analyst, id)).equals(bytes)).toBe(true);
    // Asked again, because the answer was lost.
    expect(accepted(await kit.complete(tenant.org, analyst, upload)).id).toBe(id);
  });

  it("keeps no part that is longer or shorter than announced, or was cut off", async () => {
    const upload = await kit.begin(tenant.org, owner, 100);
    const put = async (body: ReadableStream<Uint8Array>) =>
      kit.documents.putPart(await kit.as(tenant.org, owner), placeOf(upload, 1), body);
    expect(codeOf(await put(streamOf(bytesOf(101))))).toBe("too_large");
    expect(codeOf(await put(streamOf(bytesOf(99))))).toBe("invalid_request");
    let sent = 0;
    const cutOff = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        if (sent > 1) controller.error(new Error("the line is dead"));
        else controller.enqueue(bytesOf(50));
      },
    });
    await expect(put(cutOff)).rejects.toThrow(/the line is dead/);
    expect(codeOf(await kit.complete(tenant.org, owner, upload))).toBe("conflict");
  });

  it("has no part beyond its end, and none of another's number", async () => {
    const upload = await kit.begin(tenant.org, owner, 100);
    for (const part of [0, 2, 129, 1.5, Number.NaN])
      expect(
        codeOf(
          await kit.documents.putPart(await kit.as(tenant.org, owner), placeOf(upload, part), streamOf(bytesOf(100))),
        ),
      ).toBe("not_found");
  });

  it("is nobody's document before it is complete", async () => {
    const upload = await kit.begin(tenant.org, owner, 3);
    await kit.put(tenant.org, owner, upload, bytesOf(3));
    const call = () => kit.as(tenant.org, owner);
    expect(codeOf(await kit.documents.getDocument(await call(), upload.document))).toBe("not_found");
    const { items } = accepted(
      await kit.documents.listDocuments(await call(), { limit: 200, cursor: null, query: null, bin: false }),
    );
    expect(items.map(({ id }) => id)).not.toContain(upload.document);
    const wanted = { version: null, range: null, ifRange: null };
    expect(codeOf(await kit.documents.openContent(await call(), upload.document, wanted))).toBe("not_found");
  });

  it("that is given up leaves nothing, and nothing can be sent to it", async () => {
    const upload = await kit.begin(tenant.org, analyst, 3);
    await kit.put(tenant.org, analyst, upload, bytesOf(3));
    const { document, id } = upload;
    accepted(await kit.documents.cancelUpload(await kit.as(tenant.org, analyst), document, id));
    expect(codeOf(await kit.complete(tenant.org, analyst, upload))).toBe("not_found");
    const place = placeOf(upload, 1);
    expect(codeOf(await kit.documents.putPart(await kit.as(tenant.org, analyst), place, streamOf(bytesOf(3))))).toBe(
      "not_found",
    );
    const [versions, documents] = await tenant.run(
      "system",
      null,
      sql`SELECT FROM document_versions WHERE id = ${id}`,
      sql`SELECT FROM documents WHERE id = ${document}`,
    );
    expect([versions, documents]).toEqual([[], []]);
  });

  it("whose end died between the bucket and the row is completed by asking again", async () => {
    const bytes = bytesOf(1000);
    const upload = await kit.begin(tenant.org, owner, bytes.length);
    await kit.put(tenant.org, owner, upload, bytes);
    const [rows] = await tenant.run(
      "system",
      null,
      sql`SELECT v.upload, p.etag FROM document_versions v JOIN document_parts p ON p.version_id = v.id WHERE v.id = ${upload.id}`,
    );
    const { upload: name, etag } = (rows ?? [])[0] as { upload: string; etag: string };
    await kit.bucket
      .resumeMultipartUpload(`${tenant.org}/${upload.document}/${upload.id}`, name)
      .complete([{ partNumber: 1, etag }]);
    const { id } = accepted(await kit.complete(tenant.org, owner, upload));
    expect((await kit.read(tenant.org, owner, id)).equals(bytes)).toBe(true);
  });

  it("leaves a receipt of each change and none of what was refused", async () => {
    const [begun, refused] = [newId("request"), newId("request")];
    const wanted = { document: null, name: "a", sizeBytes: 3, declaredType: "text/plain", storageBytesMax: 1024 ** 4 };
    accepted(await kit.documents.beginUpload(await kit.as(tenant.org, owner, begun), wanted));
    const full = { ...wanted, storageBytesMax: 1 };
    expect(codeOf(await kit.documents.beginUpload(await kit.as(tenant.org, owner, refused), full))).toBe(
      "storage_full",
    );
    const [rows] = await tenant.run(
      "system",
      null,
      sql`SELECT request_id FROM operation_receipts WHERE request_id IN (${begun}, ${refused})`,
    );
    expect(rows).toEqual([{ request_id: begun }]);
  });
});

describe("another version", () => {
  it("is read from then on, and the one before by its number", async () => {
    const [first, second] = [bytesOf(10), bytesOf(20)];
    const { id } = await kit.upload(tenant.org, analyst, first);
    const { version } = await kit.upload(tenant.org, analyst, second, { document: id });
    expect(version.number).toBe(2);
    expect(await kit.read(tenant.org, analyst, id)).toEqual(second);
    expect(await kit.read(tenant.org, analyst, id, { version: 1 })).toEqual(first);
    const versions = accepted(await kit.documents.listVersions(await kit.as(tenant.org, analyst), id));
    expect(versions.map(({ number, sizeBytes }) => [number, sizeBytes])).toEqual([
      [1, 10],
      [2, 20],
    ]);
    const wanted = { version: 3, range: null, ifRange: null };
    expect(codeOf(await kit.documents.openContent(await kit.as(tenant.org, analyst), id, wanted))).toBe("not_found");
  });

  it("gets a number of its own when two are completed at once", async () => {
    const { id } = await kit.upload(tenant.org, owner, bytesOf(1));
    const uploads = await Promise.all([1, 2, 3].map(() => kit.begin(tenant.org, owner, 5, { document: id })));
    for (const upload of uploads) await kit.put(tenant.org, owner, upload, bytesOf(5));
    const done = await Promise.all(uploads.map((upload) => kit.complete(tenant.org, owner, upload)));
    expect(done.map(codeOf)).toEqual(["ok", "ok", "ok"]);
    const versions = accepted(await kit.documents.listVersions(await kit.as(tenant.org, owner), id));
    expect(versions.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });
});

describe("the quota", () => {
  it("lets as many begin at once as there is room for, and not one more", async () => {
    const crowded = await freshTenant();
    const someone = personOf("admin");
    // What the tables take themselves is measured: the first upload brings the keys, too.
    await kit.begin(crowded.org, someone, 0);
    const [rows] = await crowded.run(
      "system",
      null,
      sql`SELECT (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'm'))::double precision AS bytes`,
    );
    const tables = Number(rows?.[0]?.["bytes"]);
    // Room for three, with some for what the tables grow by meanwhile.
    const wanted = { document: null, name: "a", sizeBytes: 100_000_000, declaredType: "text/plain" };
    const storageBytesMax = tables + 350_000_000;
    const begun = await Promise.all(
      Array.from({ length: 8 }, async () =>
        codeOf(await kit.documents.beginUpload(await kit.as(crowded.org, someone), { ...wanted, storageBytesMax })),
      ),
    );
    expect(begun.toSorted()).toEqual([...Array(3).fill("ok"), ...Array(5).fill("storage_full")]);
    // Nobody's own eyes count: an analyst who sees none of them is refused all the same.
    const other = await kit.as(crowded.org, personOf("analyst"));
    expect(codeOf(await kit.documents.beginUpload(other, { ...wanted, storageBytesMax }))).toBe("storage_full");
  });
});
