/**
 * Studio, the devices capability, Credentials and the Provisioner in one process, on the real databases:
 * what a request passes through on its way to a tenant's rows. Only hub, log, mail and KeyRing stand in.
 */
import { type OrgId, parseId } from "../../../core/ids.ts";
import { createMeshKeys } from "../../../core/mesh/keys.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import type { TenantReader } from "../../../core/rpc/data.ts";
import { createDevices } from "../../../workers/capabilities/devices/devices.ts";
import type { DocumentBucket } from "../../../workers/capabilities/documents/bucket.ts";
import { createDocuments } from "../../../workers/capabilities/documents/documents.ts";
import type { ExportBucket } from "../../../workers/capabilities/exports/bucket.ts";
import { createAskOutside } from "../../../workers/capabilities/exports/destinations/ask-outside.ts";
import { createExportDestinations } from "../../../workers/capabilities/exports/destinations/destinations.ts";
import { openTarget } from "../../../workers/capabilities/exports/destinations/target-port.ts";
import { whileClaimed } from "../../../workers/capabilities/exports/destinations/while-claimed.ts";
import { createExports } from "../../../workers/capabilities/exports/exports.ts";
import { createLlm } from "../../../workers/capabilities/llm/llm.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import type { DataEnv } from "../../../workers/data/config.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import { dropTenant } from "../../../workers/data/provisioner/drop-tenant.ts";
import { prepareMove } from "../../../workers/data/provisioner/moving/prepare-move.ts";
import { provision } from "../../../workers/data/provisioner/provision.ts";
import { createUnit } from "../../../workers/data/unit.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { countingLimits } from "../../postgres/capabilities/counting.ts";
import { testTenantKeys } from "../../postgres/capabilities/data-keys.ts";
import { FakeHub } from "../../postgres/capabilities/fake-hub.ts";
import { startDocumentBucket, toStream } from "../../postgres/documents/bucket.ts";
import { startExportBucket } from "../../postgres/exports/bucket.ts";
import { type Account, createHarness, type Harness, type Sent } from "../../postgres/studio/harness.ts";
import { asSuperuser, dataVariables, describeTenant, type FreshTenant, gateway } from "../../postgres/support.ts";
import { exportWebhook, llmProvider, ownProvider, type Params, witnessKeyNamed } from "../../support/route-inputs.ts";
import { createTestMesh, newId, random, type TestMesh } from "../../unit/capabilities/mesh.ts";

/** An organisation with one of everything that a path can name. */
export interface Organisation {
  readonly id: OrgId;
  readonly slug: string;
  readonly owner: Account;
  readonly viewer: Account;
  readonly tenant: FreshTenant;
  readonly things: Params;
}

export interface Whole extends Harness {
  /** @param placement where its schema has to be */
  organisation(placement?: string): Promise<Organisation>;
  readonly documentBucket: DocumentBucket;
  readonly exportBucket: ExportBucket;
}

/** @param outside origins on loopback that exports may be delivered to */
export async function createWhole(outside: readonly string[] = []): Promise<Whole> {
  const mesh = await createTestMesh();
  const [{ bucket }, { bucket: exportBucket }] = await Promise.all([startDocumentBucket(), startExportBucket()]);
  const studio = await createHarness((services) => ({
    ...services,
    ...realParts(services, mesh, bucket, exportBucket, new Set(outside)),
  }));

  async function organisation(placement?: string): Promise<Organisation> {
    for (;;) {
      const org = await studio.newOrg();
      const id = parseId("org", org.id);
      if (id === null) throw new Error("an organisation's id is malformed");
      const where = await placementOf(id);
      if (placement !== undefined && where !== placement) continue;
      const tenant = await describeTenant(id, where);
      const viewer = await studio.newMember(org, "viewer");
      return { ...org, id, tenant, viewer, things: await makeThings(studio, { ...org, viewer }) };
    }
  }
  return { ...studio, organisation, documentBucket: bucket, exportBucket };
}

/** The other units' own code, behind the same signed calls as in production. */
function realParts(
  services: Services,
  mesh: TestMesh,
  bucket: DocumentBucket,
  exportBucket: ExportBucket,
  loopback: ReadonlySet<string>,
): Pick<Services, "devices" | "documents" | "exports" | "exportDestinations" | "llm" | "provisioner"> {
  const { publicKeys, now } = services;
  // Two roots: studio's certificates are from the harness, the capability's from here.
  const roots = async () => ({ keys: [...mesh.rootKeys, ...(await publicKeys.meshRoots()).keys] });
  const fetchAccess = () => publicKeys.accessKeys();
  const keys = createMeshKeys({ issuer: "https://sentinel.test", fetchRoots: roots, fetchAccess, now });
  const namespace = {
    get: async (name: string) => JSON.stringify(name === "roots" ? await roots() : await fetchAccess()),
  };
  const env = { ...dataVariables, MESH_ROOTS: namespace as unknown as DataEnv["MESH_ROOTS"] };
  // Studio's clock stands still; behind the capability it runs, as hub and Postgres go by their own.
  const [atStudiosTime, unit] = [createUnit(env, now), createUnit(env, Date.now)];
  const caller = mesh.callerOf("capabilities", Date.now);
  const credentials = {
    forTenant: async (call: Parameters<DevicesRpc["getDevice"]>[0], reader?: TenantReader) =>
      connectionForCall(await unit, call, reader),
  };
  // Nothing is asked but what stands on loopback: what the walks look for is in the rows.
  const ask = loopback.size === 0 ? async () => "unreachable" as const : createAskOutside(fetch, loopback);
  const delivery = { ask, wait: async () => undefined, now: Date.now, loopback };
  return {
    devices: createDevices({
      keys,
      caller,
      dataKeys: testTenantKeys(unit, caller).of,
      connections: createTenantConnections({ credentials, caller, now: Date.now }),
      hub: new FakeHub(keys),
      limits: countingLimits(now),
      limitScale: 1,
      gateway,
      now,
      random,
    }),
    documents: createDocuments({
      pdfText: { fetch: () => Promise.reject(new Error("no reader of PDFs here")) },
      keys,
      connections: createTenantConnections({ credentials, caller, now: Date.now }),
      dataKeys: testTenantKeys(unit, caller).of,
      bucket,
      toStream,
      gateway,
      now,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    }),
    exports: createExports({
      keys,
      connections: createTenantConnections({ credentials, caller, now: Date.now }),
      dataKeys: testTenantKeys(unit, caller).of,
      bucket: exportBucket,
      documentBucket: bucket,
      toStream,
      gateway,
      now,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      openDestination: (dataKeys, target, renew) =>
        openTarget({ ...delivery, ask: whileClaimed(delivery.ask, renew) }, dataKeys, target),
    }),
    llm: createLlm({
      keys,
      connections: createTenantConnections({ credentials, caller, now: Date.now }),
      dataKeys: testTenantKeys(unit, caller).of,
      // No provider is asked: what this walk looks for is in the rows.
      fetchProvider: async () => ({ kind: "failed", mayHaveCost: false }),
      platform: null,
      mayCall: () => true,
      gateway,
      now,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    }),
    exportDestinations: createExportDestinations({
      keys,
      connections: createTenantConnections({ credentials, caller, now: Date.now }),
      dataKeys: testTenantKeys(unit, caller).of,
      delivery,
      gateway,
      now,
    }),
    provisioner: {
      createTenant: async (call, org) => provision(await atStudiosTime, call, org),
      dropTenant: async (call, org) => dropTenant(await atStudiosTime, call, org),
      prepareMove: async (call, org, target) => prepareMove(await atStudiosTime, call, org, target),
    } as Services["provisioner"],
  };
}

async function placementOf(org: OrgId): Promise<string> {
  const [row] = await asSuperuser("SELECT placement FROM control.organisation_placements WHERE org_id = $1", [org]);
  return String(row?.["placement"]);
}

async function makeThings(
  studio: Harness,
  org: { id: string; slug: string; owner: Account; viewer: Account },
): Promise<Params> {
  const post = async (path: string, body: unknown, token: string | null = org.owner.token): Promise<Sent["body"]> => {
    const sent = await studio.send("POST", path, { body, ...(token === null ? {} : { token }) });
    if (sent.status >= 300) throw new Error(`${path} answered ${sent.status}: ${JSON.stringify(sent.body)}`);
    return sent.body;
  };
  const at = `/api/v1/orgs/${org.id}`;
  // Two of each, so that each list has a second page and with it a cursor.
  const twice = async <T>(make: (name: string) => Promise<T>): Promise<T> => {
    await make("one");
    return make("two");
  };
  const code = await twice((name) => post(`${at}/enrollment-codes`, { name, max_uses: 5, expires_in_seconds: 600 }));
  const device = await twice((name) =>
    post(`/api/v1/orgs/${org.id}/enroll`, { code: code.code, name, platform: "linux" }, null),
  );
  const group = await twice((name) => post(`${at}/groups`, { name }));
  await twice(() => post(`${at}/devices/${device.device_id}/commands`, { name: "ping", args: {} }));
  const invitation = await twice(() => post(`${at}/invitations`, { email: studio.newEmail(), role: "viewer" }));
  const expires_at = new Date(studio.clock.nowMs + 3600_000).toISOString();
  const key = await twice((name) => post(`${at}/api-keys`, { name, role: "viewer", expires_at }));
  // The operator's command makes them, on a machine of its own; here only their names count.
  await twice(() =>
    asSuperuser(
      `INSERT INTO control.backups (id, org_id, wrapped_key, tenant_schema, snapshot_at, bytes, rows, sha256)
       VALUES ($1, $2, 'x', 1, now(), 1, 1, repeat('0', 64))`,
      [newId("backup"), org.id],
    ),
  );
  await twice(() =>
    asSuperuser(
      `INSERT INTO control.backup_runs (id, org_id, by_request, state, started_at, finished_at)
       VALUES ($1, $2, true, 'done', now(), now())`,
      [newId("backup"), org.id],
    ),
  );
  const witness = await twice((name) => post(`${at}/audit/witnesses`, { name, key: witnessKeyNamed(name) }));
  const travels = { country: "NP", until: expires_at };
  const put = async (path: string, rawBody: string): Promise<void> => {
    const headers = { "Content-Type": "application/octet-stream" };
    const sent = await studio.send("PUT", path, { rawBody, headers, token: org.owner.token });
    if (sent.status !== 204) throw new Error(`${path} answered ${sent.status}: ${sent.text}`);
  };
  const doc = await twice(async (name) => {
    const begun = await post(`${at}/documents`, { name: `${name}.txt`, size_bytes: 3 });
    const upload = `${at}/documents/${begun.document_id}/uploads/${begun.id}`;
    await put(`${upload}/parts/1`, "abc");
    return post(`${upload}/complete`, undefined);
  });
  const upload = await post(`${at}/documents/${doc.id}/versions`, { size_bytes: 3 });
  const llm = await twice((name) => post(`${at}/llm/providers`, llmProvider(name)));
  // Named after its organisation: another's name is nobody's here.
  const llmKey = await post(`${at}/llm/providers`, llmProvider(`of-${org.slug}`));
  const destination = await twice((name) => post(`${at}/export-destinations`, exportWebhook(name)));
  const share = await post(`${at}/documents/${doc.id}/shares`, { kind: "group", grantee: group.id });
  const exception = await post(`${at}/policies/geo/exceptions/${org.viewer.id}`, travels);
  const exported = await twice(() => post(`${at}/exports`, { source: "inventory", format: "csv" }));
  const provider = await post(`${at}/identity-providers`, ownProvider);
  await studio.signIn(org.owner.email);
  const sessions = await studio.send("GET", "/api/v1/me/sessions", { token: org.owner.token });
  return {
    org: org.id,
    target: org.id,
    user: org.viewer.id,
    code: code.id,
    device: device.device_id,
    group: group.id,
    invitation: invitation.id,
    exception: exception.id,
    witness: witness.id,
    backup: newId("backup"),
    policy: "geo",
    key: key.id,
    provider: provider.id,
    secret: provider.secrets[0].id,
    session: sessions.body.items[0].id,
    passkey: newId("passkey"),
    doc: doc.id,
    upload: upload.id,
    llm_provider: llm.id,
    llm_key: llmKey.name,
    export_destination: destination.id,
    share: share.id,
    export_id: exported.id,
  };
}

/** One hash over what the control schema holds of an organisation, in any of its tables. */
export async function controlChecksum(org: OrgId): Promise<string> {
  const tables = await asSuperuser(
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'control' AND column_name = 'org_id' ORDER BY 1`,
  );
  const parts: unknown[] = [];
  for (const { name } of tables) {
    parts.push(
      name,
      await asSuperuser(
        `SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS md5 FROM control.${String(name)} t WHERE org_id = $1`,
        [org],
      ),
    );
  }
  return JSON.stringify(parts);
}
