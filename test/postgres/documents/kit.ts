/** The documents capability in Node: real Postgres, real signatures, and a real R2 of workerd's. */
import { randomBytes } from "node:crypto";
import { partBytes } from "../../../core/documents/layout.ts";
import type { DocumentId, OrgId, UploadId, UserId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { Document, DocumentResult, DocumentsRpc, Upload } from "../../../core/rpc/documents.ts";
import { type Role, roles } from "../../../core/tenancy/roles.ts";
import type { DocumentsDependencies } from "../../../workers/capabilities/documents/admission.ts";
import type { DocumentBucket } from "../../../workers/capabilities/documents/bucket.ts";
import { createDocuments } from "../../../workers/capabilities/documents/documents.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import type { DataEnv } from "../../../workers/data/config.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import { createUnit } from "../../../workers/data/unit.ts";
import { type PdfReader, startPdfReader } from "../../support/pdf/start-reader.ts";
import { createTestMesh, newId, type TestMesh } from "../../unit/capabilities/mesh.ts";
import { testTenantKeys } from "../capabilities/data-keys.ts";
import { dataVariables, gateway } from "../support.ts";
import { interruptedBucket, startDocumentBucket, toStream } from "./bucket.ts";

export interface Person {
  readonly user: UserId;
  readonly role: Role;
}
export const personOf = (role: Role): Person => ({ user: newId("user"), role });
/** One of each role. */
export const oneOfEach = (): Record<Role, Person> =>
  Object.fromEntries(roles.map((role) => [role, personOf(role)])) as Record<Role, Person>;

export interface DocumentsKit {
  readonly mesh: TestMesh;
  readonly bucket: DocumentBucket;
  readonly documents: DocumentsRpc;
  /** Another isolate of it, with something else than usual. */
  other(change: Partial<DocumentsDependencies>): DocumentsRpc;
  /** … that something else happens to, in front of its n-th transaction, or reading or change of the bucket. */
  interrupted(at: number, meanwhile: () => Promise<unknown>): DocumentsRpc;
  as(org: OrgId, person: Person, requestId?: string): Promise<SignedCall>;
  clock(org: OrgId): Promise<SignedCall>;
  begin(org: OrgId, by: Person, size: number, more?: Begin): Promise<Upload>;
  put(org: OrgId, by: Person, upload: Upload, bytes: Uint8Array): Promise<void>;
  complete(org: OrgId, by: Person, upload: Upload): Promise<DocumentResult<Document>>;
  /** All three. */
  upload(org: OrgId, by: Person, bytes: Uint8Array, more?: Begin): Promise<Document>;
  read(org: OrgId, by: Person, id: DocumentId, more?: Partial<Wanted>): Promise<Buffer>;
  objects(org: OrgId): Promise<string[]>;
  stop(): Promise<void>;
}
interface Begin {
  readonly name?: string;
  readonly document?: DocumentId;
  readonly storageBytesMax?: number;
}
type Wanted = Parameters<DocumentsRpc["openContent"]>[2];

export const plenty = 1024 ** 4;

/** The value of a result that must be one. */
export function accepted<T>(result: DocumentResult<T>): T {
  if (!result.ok) throw new Error(`refused: ${result.code}`);
  return result.value;
}
/** The code of a refusal. */
export const codeOf = (result: DocumentResult<unknown>): string => (result.ok ? "ok" : result.code);

export const streamOf = (...pieces: Uint8Array[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });

export async function createDocumentsKit(): Promise<DocumentsKit> {
  const mesh = await createTestMesh();
  const studio = mesh.callerOf("studio");
  const caller = mesh.callerOf("capabilities");
  const keySets: Readonly<Record<string, unknown>> = { roots: mesh.rootKeys, access: mesh.accessKeys };
  const namespace = { get: async (name: string) => JSON.stringify({ keys: keySets[name] }) };
  const unit = await createUnit(
    { ...dataVariables, MESH_ROOTS: namespace as unknown as DataEnv["MESH_ROOTS"] },
    Date.now,
  );
  const credentials = { forTenant: (call: SignedCall) => connectionForCall(unit, call) };
  const { bucket, stop } = await startDocumentBucket();
  // Started by the first PDF: most tests have none.
  let reading: Promise<PdfReader> | null = null;
  const pdfReader = (): Promise<PdfReader> => {
    reading ??= startPdfReader();
    return reading;
  };
  const dependencies: DocumentsDependencies = {
    keys: mesh.keys,
    connections: createTenantConnections({ credentials, caller, now: Date.now }),
    dataKeys: testTenantKeys(Promise.resolve(unit), caller).of,
    bucket,
    toStream,
    pdfText: { fetch: async (...given) => (await pdfReader()).binding.fetch(...given) },
    gateway,
    now: Date.now,
    randomBytes: (length) => Uint8Array.from(randomBytes(length)),
  };
  const documents = createDocuments(dependencies);
  const as = async (org: OrgId, { user, role }: Person, requestId: string = newId("request")): Promise<SignedCall> =>
    studio.asUser("capabilities.documents", await mesh.accessToken({ user, org, role }), requestId);

  const begin: DocumentsKit["begin"] = async (org, by, size, more = {}) => {
    const { name = "report.txt", document = null, storageBytesMax = plenty } = more;
    const wanted = { document, name, sizeBytes: size, declaredType: "text/plain", storageBytesMax };
    return accepted(await documents.beginUpload(await as(org, by), wanted));
  };
  const put: DocumentsKit["put"] = async (org, by, upload, bytes) => {
    for (let part = 1; part <= upload.partCount; part += 1) {
      const piece = bytes.subarray((part - 1) * partBytes, part * partBytes);
      const place = { document: upload.document, upload: upload.id, part };
      accepted(await documents.putPart(await as(org, by), place, streamOf(piece)));
    }
  };
  const complete: DocumentsKit["complete"] = async (org, by, upload) =>
    documents.completeUpload(await as(org, by), upload.document, upload.id);
  return {
    mesh,
    bucket,
    documents,
    other: (change) => createDocuments({ ...dependencies, ...change }),
    interrupted(at, meanwhile) {
      let points = 0;
      const point = async (): Promise<void> => {
        points += 1;
        if (points === at) await meanwhile();
      };
      return createDocuments({
        ...dependencies,
        bucket: interruptedBucket(bucket, point),
        connections: (call) => {
          const source = dependencies.connections(call);
          return async (...given) => {
            await point();
            return source(...given);
          };
        },
      });
    },
    as,
    clock: (org) => studio.asJob("capabilities.documents", "tend_documents", org, newId("request")),
    begin,
    put,
    complete,
    async upload(org, by, bytes, more) {
      const upload = await begin(org, by, bytes.length, more);
      await put(org, by, upload, bytes);
      return accepted(await complete(org, by, upload));
    },
    async read(org, by, id, more = {}) {
      const wanted = { version: null, range: null, ifRange: null, ...more };
      const { body } = accepted(await documents.openContent(await as(org, by), id, wanted));
      return Buffer.from(await new Response(body).arrayBuffer());
    },
    objects: async (org) => (await bucket.list({ prefix: org })).objects.map((object: { key: string }) => object.key),
    stop: async () => {
      await (await reading)?.stop();
      await stop();
    },
  };
}

/** Where a test says only which upload. */
export const placeOf = (upload: Upload, part: number): { document: DocumentId; upload: UploadId; part: number } => ({
  document: upload.document,
  upload: upload.id,
  part,
});
