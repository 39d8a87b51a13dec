/** Who is let in: every method, with every kind of call that is not a genuine one for it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DocumentId, OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { documentMethods } from "../../../workers/capabilities/documents/documents.ts";
import { methodRights } from "../../../workers/capabilities/documents/rights.ts";
import { createTestMesh, newId } from "../../unit/capabilities/mesh.ts";
import { freshTenant } from "../support.ts";
import { accepted, codeOf, createDocumentsKit, type DocumentsKit, personOf, streamOf } from "./kit.ts";

let kit: DocumentsKit;
let org: OrgId;
let theirs: OrgId;
let document: DocumentId;
const owner = personOf("owner");
beforeAll(async () => {
  kit = await createDocumentsKit();
  [{ org }, { org: theirs }] = await Promise.all([freshTenant(), freshTenant()]);
  ({ id: document } = await kit.upload(theirs, owner, new Uint8Array([1])));
});
afterAll(() => kit.stop());

type Method = (call: SignedCall, ...rest: unknown[]) => Promise<unknown>;
const methodOf = (name: (typeof documentMethods)[number]): Method => kit.documents[name] as unknown as Method;
const isClocks = (name: (typeof documentMethods)[number]): boolean => methodRights[name].roles.length === 0;

describe.each(documentMethods)("%s", (name) => {
  const genuine = (): Promise<SignedCall> => (isClocks(name) ? kit.clock(org) : kit.as(org, owner));
  const refused = async (call: SignedCall): Promise<void> =>
    expect(methodOf(name)(call, document, {}, null)).rejects.toMatchObject({ name: "CallRefused" });

  it("refuses a call without an assertion, or with what is none", async () => {
    const { accessToken } = await genuine();
    for (const assertion of ["", "a.b.c", undefined as unknown as string]) await refused({ assertion, accessToken });
  });

  it("refuses an assertion for another entrypoint", async () => {
    const studio = kit.mesh.callerOf("studio");
    const token = await kit.mesh.accessToken({ ...owner, org });
    await refused(await studio.asUser("capabilities.devices", token, newId("request")));
    await refused(await studio.asJob("capabilities.backups", "tend_backups", org, newId("request")));
  });

  it("refuses an assertion that is over, and a token that is", async () => {
    const anHourAgo = (): number => Date.now() - 3_700_000;
    const token = await kit.mesh.accessToken({ ...owner, org });
    const late = kit.mesh.callerOf("studio", anHourAgo);
    await refused(await late.asUser("capabilities.documents", token, newId("request")));
    const old = await kit.mesh.accessToken({ ...owner, org }, anHourAgo());
    await refused(await kit.mesh.callerOf("studio").asUser("capabilities.documents", old, newId("request")));
  });

  it("refuses a certificate of another authority", async () => {
    const forged = await createTestMesh();
    const token = await forged.accessToken({ ...owner, org });
    await refused(await forged.callerOf("studio").asUser("capabilities.documents", token, newId("request")));
    await refused(
      await forged.callerOf("studio").asJob("capabilities.documents", "tend_documents", org, newId("request")),
    );
  });

  it("refuses a call of a workload that may not call it", async () => {
    const work = async () => {
      const hub = kit.mesh.callerOf("durable-objects");
      return methodOf(name)(
        await hub.asJob("capabilities.documents", "tend_documents", org, newId("request")),
        document,
      );
    };
    await expect(work()).rejects.toThrow();
  });

  it("refuses a user's assertion with another user's token", async () => {
    const call = await kit.as(org, owner);
    await refused({ ...call, accessToken: await kit.mesh.accessToken({ ...personOf("owner"), org }) });
    await refused({ ...call, accessToken: null });
  });

  it("refuses the same call twice", async () => {
    const call = await genuine();
    await methodOf(name)(call, newId("document"), {}, null).catch(() => undefined);
    await expect(methodOf(name)(call, newId("document"), {}, null)).rejects.toMatchObject({
      name: "CallRefused",
      reason: "replayed",
    });
  });
});

describe("the right organisation", () => {
  it("has no document of another's, whatever is done with it", async () => {
    const call = () => kit.as(org, owner);
    const wanted = { version: null, range: null, ifRange: null };
    const { documents } = kit;
    expect(codeOf(await documents.getDocument(await call(), document))).toBe("not_found");
    expect(codeOf(await documents.openContent(await call(), document, wanted))).toBe("not_found");
    expect(codeOf(await documents.renameDocument(await call(), document, "mine"))).toBe("not_found");
    expect(codeOf(await documents.removeDocument(await call(), document))).toBe("not_found");
    expect(codeOf(await documents.listShares(await call(), document))).toBe("not_found");
    expect(codeOf(await documents.restoreDocument(await call(), document))).toBe("not_found");
    expect(codeOf(await documents.listVersions(await call(), document))).toBe("not_found");
    const share = { kind: "role", grantee: "viewer", until: null } as const;
    expect(codeOf(await documents.addShare(await call(), document, share))).toBe("not_found");
    expect(codeOf(await documents.removeShare(await call(), document, newId("share")))).toBe("not_found");
    const version = { document, name: "", sizeBytes: 1, declaredType: "text/plain", storageBytesMax: 1024 ** 4 };
    expect(codeOf(await documents.beginUpload(await call(), version))).toBe("not_found");
    await documents.expunge(await kit.clock(org), document);
    expect((await kit.read(theirs, owner, document)).length).toBe(1);
  });

  it("goes on with no upload of another's, nor with its own by another document's name", async () => {
    const { documents } = kit;
    const call = () => kit.as(org, owner);
    const [mine, other] = [await kit.begin(org, owner, 1), await kit.begin(theirs, owner, 1)];
    for (const [doc, upload] of [
      [other.document, other.id],
      [mine.document, other.id],
      [other.document, mine.id],
      [document, mine.id],
    ] as const) {
      const place = { document: doc, upload, part: 1 };
      expect(codeOf(await documents.putPart(await call(), place, streamOf(new Uint8Array([1]))))).toBe("not_found");
      expect(codeOf(await documents.findUpload(await call(), doc, upload))).toBe("not_found");
      expect(codeOf(await documents.completeUpload(await call(), doc, upload))).toBe("not_found");
      expect(codeOf(await documents.cancelUpload(await call(), doc, upload))).toBe("not_found");
    }
    for (const [whose, { document: doc, id }] of [
      [org, mine],
      [theirs, other],
    ] as const)
      expect(accepted(await documents.findUpload(await kit.as(whose, owner), doc, id)).partsHere).toEqual([]);
  });
});

describe("a role that may not write", () => {
  it.each(["viewer", "readonly"] as const)(
    "%s is refused by each method that writes, before anything is done",
    async (role) => {
      const person = personOf(role);
      const { id } = await kit.upload(org, owner, new Uint8Array([1]));
      const writers = documentMethods.filter((name) => !isClocks(name) && !methodRights[name].roles.includes(role));
      expect(writers.length).toBeGreaterThan(6);
      for (const name of writers)
        expect([name, await methodOf(name)(await kit.as(org, person), id, {}, {})]).toEqual([
          name,
          { ok: false, code: "forbidden" },
        ]);
      expect(accepted(await kit.documents.getDocument(await kit.as(org, owner), id)).deletedAt).toBeNull();
    },
  );
});

describe("what a caller should have refused", () => {
  it.each([
    { name: "" },
    { name: "a/b" },
    { name: "..\\autoexec.bat" },
    { name: ".." },
    { name: "invoice\u202Egpj.exe" },
    { name: "a\u0000b" },
    { name: "x".repeat(256) },
    { sizeBytes: -1 },
    { sizeBytes: 1024 ** 3 + 1 },
    { sizeBytes: 0.5 },
    { sizeBytes: Number.NaN },
    { declaredType: "text" },
    { declaredType: 'text/html"; x="' },
    { storageBytesMax: Number.NaN },
  ])("%o begins nothing", async (wrong) => {
    const right = { document: null, name: "a", sizeBytes: 1, declaredType: "text/plain", storageBytesMax: 1024 ** 4 };
    expect(codeOf(await kit.documents.beginUpload(await kit.as(org, owner), { ...right, ...wrong }))).toBe(
      "invalid_request",
    );
  });
});
