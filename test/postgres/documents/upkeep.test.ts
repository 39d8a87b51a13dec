/** The bin, what the clock ends, and an organisation's end. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sql } from "../../../store/connect.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { asSuperuser, type FreshTenant, freshTenant } from "../support.ts";
import { accepted, codeOf, createDocumentsKit, type DocumentsKit, personOf } from "./kit.ts";

let kit: DocumentsKit;
let tenant: FreshTenant;
const owner = personOf("owner");
const bytes = new TextEncoder().encode("minutes of the meeting");
beforeAll(async () => {
  kit = await createDocumentsKit();
  tenant = await freshTenant();
});
afterAll(() => kit.stop());

const call = () => kit.as(tenant.org, owner);
const clock = () => kit.clock(tenant.org);
/** As if it had been there so long. */
const age = (table: string, column: string, id: string, interval: string) =>
  asSuperuser(
    `UPDATE ${tenant.name}.${table} SET ${column} = now() - $2::interval WHERE id = $1`,
    [id, interval],
    tenant.placement,
  );
const objectsOf = async (id: string): Promise<string[]> =>
  (await kit.objects(tenant.org)).filter((name) => name.includes(id));

describe("a document in the bin", () => {
  it("is read by nobody, keeps its bytes, and comes out as it was", async () => {
    const { id } = await kit.upload(tenant.org, owner, bytes);
    accepted(await kit.documents.removeDocument(await call(), id));
    const wanted = { version: null, range: null, ifRange: null };
    expect(codeOf(await kit.documents.openContent(await call(), id, wanted))).toBe("not_found");
    expect(codeOf(await kit.documents.removeDocument(await call(), id))).toBe("conflict");
    expect(accepted(await kit.documents.getDocument(await call(), id)).deletedAt).not.toBeNull();
    expect(await objectsOf(id)).toHaveLength(1);
    accepted(await kit.documents.restoreDocument(await call(), id));
    expect(await kit.read(tenant.org, owner, id)).toEqual(Buffer.from(bytes));
    expect(codeOf(await kit.documents.restoreDocument(await call(), id))).toBe("conflict");
  });

  it("takes no new version, name or share, and an upload under way can't bring it back", async () => {
    const { id } = await kit.upload(tenant.org, owner, bytes);
    const upload = await kit.begin(tenant.org, owner, bytes.length, { document: id });
    await kit.put(tenant.org, owner, upload, bytes);
    accepted(await kit.documents.removeDocument(await call(), id));
    expect(codeOf(await kit.complete(tenant.org, owner, upload))).toBe("not_found");
    expect(codeOf(await kit.documents.renameDocument(await call(), id, "x"))).toBe("conflict");
    const share = { kind: "role", grantee: "viewer", until: null } as const;
    expect(codeOf(await kit.documents.addShare(await call(), id, share))).toBe("conflict");
    const wanted = { document: id, name: "", sizeBytes: 1, declaredType: "text/plain", storageBytesMax: 1024 ** 4 };
    expect(codeOf(await kit.documents.beginUpload(await call(), wanted))).toBe("not_found");
  });

  it("is due after thirty days and not before, and then goes with its objects, versions and shares", async () => {
    const { id } = await kit.upload(tenant.org, owner, bytes);
    await kit.upload(tenant.org, owner, bytes, { document: id });
    const share = { kind: "role", grantee: "viewer", until: null } as const;
    accepted(await kit.documents.addShare(await call(), id, share));
    accepted(await kit.documents.removeDocument(await call(), id));
    await age("documents", "deleted_at", id, "29 days 23 hours");
    expect((await kit.documents.tend(await clock())).map(({ document }) => document)).not.toContain(id);
    // Not due: nothing happens to it, whoever says so.
    await kit.documents.expunge(await clock(), id);
    expect(await objectsOf(id)).toHaveLength(2);

    await age("documents", "deleted_at", id, "30 days");
    expect(codeOf(await kit.documents.restoreDocument(await call(), id))).toBe("conflict");
    expect(await kit.documents.tend(await clock())).toContainEqual({ document: id, deletedBy: owner.user });
    await kit.documents.expunge(await clock(), id);
    await kit.documents.expunge(await clock(), id);
    expect(await objectsOf(id)).toEqual([]);
    const left = await tenant.run(
      "system",
      null,
      sql`SELECT FROM documents WHERE id = ${id}`,
      sql`SELECT FROM document_versions WHERE document_id = ${id}`,
      sql`SELECT FROM document_shares WHERE document_id = ${id}`,
    );
    expect(left).toEqual([[], [], []]);
  });
});

describe("an upload that nobody finishes", () => {
  it("is ended after a day and not before, and gives its bytes back to the quota", async () => {
    const taken = async () =>
      Number((await tenant.run("system", null, sql`SELECT document_bytes()::double precision AS n`))[0]?.[0]?.["n"]);
    const before = await taken();
    const upload = await kit.begin(tenant.org, owner, bytes.length);
    await kit.put(tenant.org, owner, upload, bytes);
    expect(await taken()).toBe(before + bytes.length);
    await age("document_versions", "created_at", upload.id, "23 hours");
    await kit.documents.tend(await clock());
    expect(accepted(await kit.documents.findUpload(await call(), upload.document, upload.id)).partsHere).toEqual([1]);
    await age("document_versions", "created_at", upload.id, "24 hours");
    await kit.documents.tend(await clock());
    expect(codeOf(await kit.documents.findUpload(await call(), upload.document, upload.id))).toBe("not_found");
    expect(await taken()).toBe(before);
  });
});

describe("an organisation that is erased", () => {
  it("leaves no object of its own, and every one of another's", async () => {
    const gone = await freshTenant();
    await kit.upload(gone.org, owner, bytes);
    const { id } = await kit.upload(tenant.org, owner, bytes);
    await kit.documents.erase(await kit.clock(gone.org));
    await kit.documents.erase(await kit.clock(gone.org));
    expect(await kit.objects(gone.org)).toEqual([]);
    expect(await objectsOf(id)).toHaveLength(1);
  });
});

describe("the clock's methods", () => {
  it("are for the clock alone, and people's are not for it", async () => {
    for (const method of ["tend", "erase"] as const)
      await expect(kit.documents[method](await call())).rejects.toThrow(/call refused/);
    await expect(kit.documents.expunge(await call(), newId("document"))).rejects.toThrow(/call refused/);
    await expect(kit.documents.getDocument(await clock(), newId("document"))).rejects.toThrow(/call refused/);
  });
});
