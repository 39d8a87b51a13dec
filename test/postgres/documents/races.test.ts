/** Two at one upload at the same time: whoever comes second finds it done or gone, and never half of it. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DocumentsRpc, Upload } from "../../../core/rpc/documents.ts";
import { sql } from "../../../store/connect.ts";
import { asSuperuser, type FreshTenant, freshTenant } from "../support.ts";
import { accepted, codeOf, createDocumentsKit, type DocumentsKit, personOf, placeOf, streamOf } from "./kit.ts";

let kit: DocumentsKit;
let tenant: FreshTenant;
const admin = personOf("admin");
const analyst = personOf("analyst");
beforeAll(async () => {
  kit = await createDocumentsKit();
  tenant = await freshTenant();
});
afterAll(() => kit.stop());

const bytes = randomBytes(1000);
const ready = async (): Promise<Upload> => {
  const upload = await kit.begin(tenant.org, admin, bytes.length);
  await kit.put(tenant.org, admin, upload, bytes);
  return upload;
};
const giveUp = async (documents: DocumentsRpc, { document, id }: Upload): Promise<string> =>
  codeOf(await documents.cancelUpload(await kit.as(tenant.org, admin), document, id));
const complete = async (documents: DocumentsRpc, { document, id }: Upload): Promise<string> =>
  codeOf(await documents.completeUpload(await kit.as(tenant.org, admin), document, id));

/** Either a document that is read as it was sent, or nothing: no row, and no object that nobody could ever reach. */
async function whatIsLeft({ document, id }: Upload): Promise<"document" | "nothing"> {
  const objects = (await kit.objects(tenant.org)).filter((name) => name.includes(document));
  const [versions = [], documents = []] = await tenant.run(
    "system",
    null,
    sql`SELECT number FROM document_versions WHERE id = ${id}`,
    sql`SELECT FROM documents WHERE id = ${document}`,
  );
  if (versions.length === 0) {
    expect([objects, documents]).toEqual([[], []]);
    return "nothing";
  }
  expect([versions, objects.length]).toEqual([[{ number: 1 }], 1]);
  expect((await kit.read(tenant.org, admin, document)).equals(bytes)).toBe(true);
  return "document";
}

/** Runs a deed once for each of its points, with another one in front of that point, and once by itself. */
async function atEachPoint(
  deed: (documents: DocumentsRpc, upload: Upload) => Promise<unknown>,
  meanwhile: (upload: Upload) => Promise<unknown>,
): Promise<Set<string>> {
  const left = new Set<string>();
  for (let at = 1; ; at += 1) {
    const upload = await ready();
    let wasReached = false;
    const interrupted = kit.interrupted(at, async () => {
      wasReached = true;
      await meanwhile(upload);
    });
    await deed(interrupted, upload);
    left.add(await whatIsLeft(upload));
    if (!wasReached) {
      expect(at).toBeGreaterThan(5);
      return left;
    }
  }
}

describe("an upload", () => {
  it("that is completed while it is given up is a whole document or nothing", async () => {
    const left = await atEachPoint(giveUp, (upload) => complete(kit.documents, upload));
    expect([...left].toSorted()).toEqual(["document", "nothing"]);
  });

  it("that is given up while it is completed is a whole document or nothing", async () => {
    const left = await atEachPoint(complete, (upload) => giveUp(kit.documents, upload));
    expect([...left].toSorted()).toEqual(["document", "nothing"]);
  });

  it("that is completed while the clock ends it is a whole document or nothing", async () => {
    const left = await atEachPoint(
      async (documents, { id }) => {
        await asSuperuser(
          `UPDATE ${tenant.name}.document_versions SET created_at = now() - interval '25 hours' WHERE id = $1`,
          [id],
          tenant.placement,
        );
        await documents.tend(await kit.clock(tenant.org));
      },
      (upload) => complete(kit.documents, upload),
    );
    expect([...left].toSorted()).toEqual(["document", "nothing"]);
  });

  it("that somebody died giving up takes no part, becomes no version, and is ended by the clock", async () => {
    const upload = await ready();
    const dying = kit.interrupted(4, () => Promise.reject(new Error("killed")));
    await expect(giveUp(dying, upload)).rejects.toThrow("killed");
    expect(await complete(kit.documents, upload)).toBe("not_found");
    const again = await kit.documents.putPart(await kit.as(tenant.org, admin), placeOf(upload, 1), streamOf(bytes));
    expect(codeOf(again)).toBe("not_found");
    await kit.documents.tend(await kit.clock(tenant.org));
    expect(await whatIsLeft(upload)).toBe("nothing");
  });

  it("whose part was sent twice at once, and whose row has the other one's tag, is sent again and goes on", async () => {
    const upload = await ready();
    const tag = async () =>
      (await tenant.run("system", null, sql`SELECT etag FROM document_parts WHERE version_id = ${upload.id}`))[0]?.[0];
    const first = await tag();
    await kit.put(tenant.org, admin, upload, randomBytes(bytes.length));
    expect(await tag()).not.toEqual(first);
    // The slower of the two wrote its tag last.
    await asSuperuser(
      `UPDATE ${tenant.name}.document_parts SET etag = $2 WHERE version_id = $1`,
      [upload.id, first?.["etag"]],
      tenant.placement,
    );
    expect(await complete(kit.documents, upload)).toBe("conflict");
    const { document, id } = upload;
    const found = accepted(await kit.documents.findUpload(await kit.as(tenant.org, admin), document, id));
    expect(found.partsHere).toEqual([]);
    await kit.put(tenant.org, admin, upload, bytes);
    expect(await complete(kit.documents, upload)).toBe("ok");
    expect(await whatIsLeft(upload)).toBe("document");
  });

  it("is gone on with by whoever began it alone: nobody else's bytes come under their name", async () => {
    const { id: document } = await kit.upload(tenant.org, analyst, bytes);
    for (const [by, other] of [
      [admin, analyst],
      [analyst, admin],
    ] as const) {
      const upload = await kit.begin(tenant.org, by, bytes.length, { document });
      await kit.put(tenant.org, by, upload, bytes);
      const call = () => kit.as(tenant.org, other);
      const put = await kit.documents.putPart(await call(), placeOf(upload, 1), streamOf(randomBytes(bytes.length)));
      expect(codeOf(put)).toBe("forbidden");
      expect(codeOf(await kit.documents.completeUpload(await call(), document, upload.id))).toBe("forbidden");
      const { version } = accepted(await kit.complete(tenant.org, by, upload));
      expect(version.createdBy).toBe(by.user);
      expect((await kit.read(tenant.org, by, document)).equals(bytes)).toBe(true);
    }
    // Whoever may write the document may still take another's unfinished upload away.
    const left = await kit.begin(tenant.org, admin, bytes.length, { document });
    const taken = await kit.documents.cancelUpload(await kit.as(tenant.org, analyst), document, left.id);
    expect(codeOf(taken)).toBe("ok");
  });
});
