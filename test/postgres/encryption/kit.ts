/** Capabilities as isolates over real Postgres, each with its own memory and clock; the hub alone stands in. */
import { randomBytes } from "node:crypto";
import type { DeviceId, OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { Audience } from "../../../core/mesh/workloads.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import type { EncryptionRpc } from "../../../core/rpc/encryption.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { createDevices } from "../../../workers/capabilities/devices/devices.ts";
import { createEncryption } from "../../../workers/capabilities/keys/encryption.ts";
import type { TenantKeys } from "../../../workers/capabilities/keys/tenant-keys.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import type { DataEnv } from "../../../workers/data/config.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import { createUnit } from "../../../workers/data/unit.ts";
import { createTestMesh, newId, random } from "../../unit/capabilities/mesh.ts";
import { countingLimits } from "../capabilities/counting.ts";
import { type TestKeysOptions, testTenantKeys } from "../capabilities/data-keys.ts";
import { FakeHub } from "../capabilities/fake-hub.ts";
import { asSuperuser, dataVariables, type FreshTenant, freshTenant, gateway } from "../support.ts";

export interface Isolate {
  readonly devices: DevicesRpc;
  readonly encryption: EncryptionRpc;
  readonly keys: TenantKeys;
}

export interface Kit {
  readonly hub: FakeHub;
  /** A capabilities isolate that holds nothing yet. */
  isolate(options?: TestKeysOptions): Isolate;
  /** An organisation with one device. */
  organisation(): Promise<{ tenant: FreshTenant; org: OrgId; device: DeviceId }>;
  as(org: OrgId, audience: Audience, role?: Role): Promise<SignedCall>;
  asJob(org: OrgId, job?: "tend_keys" | "provision"): Promise<SignedCall>;
}

export async function createKit(): Promise<Kit> {
  const mesh = await createTestMesh();
  const hub = new FakeHub(mesh.keys);
  const studio = mesh.callerOf("studio");
  const caller = mesh.callerOf("capabilities");
  const keySets: Readonly<Record<string, unknown>> = { roots: mesh.rootKeys, access: mesh.accessKeys };
  const namespace = { get: async (name: string) => JSON.stringify({ keys: keySets[name] }) };
  const unit = createUnit({ ...dataVariables, MESH_ROOTS: namespace as unknown as DataEnv["MESH_ROOTS"] }, Date.now);
  const credentials = { forTenant: async (call: SignedCall) => connectionForCall(await unit, call) };
  return {
    hub,
    isolate(options) {
      const keys = testTenantKeys(unit, caller, options);
      return {
        keys,
        encryption: createEncryption({
          keys: mesh.keys,
          caller,
          ...keys,
          now: Date.now,
          randomBytes: (length) => Uint8Array.from(randomBytes(length)),
        }),
        devices: createDevices({
          keys: mesh.keys,
          caller,
          dataKeys: keys.of,
          connections: createTenantConnections({ credentials, caller, now: Date.now }),
          hub,
          limits: countingLimits(Date.now),
          limitScale: 1_000,
          gateway,
          now: Date.now,
          random,
        }),
      };
    },
    async organisation() {
      const tenant = await freshTenant();
      const device = newId("device");
      const code = newId("enrollmentCode");
      const hash = randomBytes(32).toString("hex");
      await asSuperuser(
        `INSERT INTO ${tenant.name}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
         VALUES ($1, $2, 'Lab', now() + interval '1 hour', 1, $3)`,
        [code, hash, newId("user")],
        tenant.placement,
      );
      await asSuperuser(
        `INSERT INTO ${tenant.name}.devices (id, name, platform, token_sha256, enrollment_code_id)
         VALUES ($1, 'Laptop', 'linux', $2, $3)`,
        [device, hash, code],
        tenant.placement,
      );
      return { tenant, org: tenant.org, device };
    },
    as: async (org, audience, role = "owner") =>
      studio.asUser(audience, await mesh.accessToken({ user: newId("user"), org, role }), newId("request")),
    asJob: (org, job = "tend_keys") => studio.asJob("capabilities.encryption", job, org, newId("request")),
  };
}
