/** The capability in Node: real Postgres, real signatures, the hub alone stands in. */
import type { DeviceId, GroupId, OrgId, UserId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { DevicesRpc, Result } from "../../../core/rpc/capabilities.ts";
import type { CredentialsRpc, TenantConnection } from "../../../core/rpc/data.ts";
import type { DeviceReply } from "../../../core/telemetry.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { sql } from "../../../store/connect.ts";
import { createDevices } from "../../../workers/capabilities/devices/devices.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import type { DataEnv } from "../../../workers/data/config.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import { sealReplies } from "../../../workers/data/ingest/seal-replies.ts";
import { ingestWork } from "../../../workers/data/ingest/statements.ts";
import { createUnit, type DataUnit } from "../../../workers/data/unit.ts";
import { scopeOf } from "../../support/scopes.ts";
import { createTestMesh, newId, random, type TestMesh } from "../../unit/capabilities/mesh.ts";
import { dataVariables, type FreshTenant, freshTenant, gateway } from "../support.ts";
import { countingLimits } from "./counting.ts";
import { testTenantKeys } from "./data-keys.ts";
import { FakeHub } from "./fake-hub.ts";

export interface Person {
  readonly user: UserId;
  readonly role: Role;
}

export interface World {
  readonly mesh: TestMesh;
  readonly hub: FakeHub;
  readonly devices: DevicesRpc;
  /** The data Worker behind it. */
  readonly unit: DataUnit;
  /** A new organisation with its schema and role. */
  tenant(): Promise<FreshTenant>;
  /** A call that studio makes for a person of an organisation. */
  as(org: OrgId, person: Person, requestId?: string): Promise<SignedCall>;
  /** A call that studio makes for a machine that enrols. */
  enrolling(org: OrgId, requestId?: string): Promise<SignedCall>;
  /** What the data Worker hands out, and a hook to spoil it on the way. */
  readonly credentials: CredentialsRpc & { spoil: (connection: TenantConnection) => TenantConnection };
}

export const owner: Person = { user: newId("user"), role: "owner" };

/** @param time milliseconds that have passed for whoever counts, beside the clock's; tests push it */
export async function createWorld(options: { limitScale?: number; time?: { ms: number } } = {}): Promise<World> {
  const mesh = await createTestMesh();
  const hub = new FakeHub(mesh.keys);
  const studio = mesh.callerOf("studio");
  const caller = mesh.callerOf("capabilities");
  // The data Worker's own code; only its KV namespace, which workerd would bind, is spelled out.
  const keySets: Readonly<Record<string, unknown>> = { roots: mesh.rootKeys, access: mesh.accessKeys };
  const namespace = { get: async (name: string) => JSON.stringify({ keys: keySets[name] }) };
  const unit = await createUnit(
    { ...dataVariables, MESH_ROOTS: namespace as unknown as DataEnv["MESH_ROOTS"] },
    Date.now,
  );
  const credentials: World["credentials"] = {
    spoil: (connection) => connection,
    forTenant: async (call) => credentials.spoil(await connectionForCall(unit, call)),
  };
  return {
    mesh,
    hub,
    credentials,
    unit,
    devices: createDevices({
      keys: mesh.keys,
      caller,
      dataKeys: testTenantKeys(Promise.resolve(unit), caller).of,
      connections: createTenantConnections({ credentials, caller, now: Date.now }),
      hub,
      limits: countingLimits(() => Date.now() + (options.time?.ms ?? 0)),
      limitScale: options.limitScale ?? 1000,
      gateway,
      now: Date.now,
      random,
    }),
    tenant: () => freshTenant(),
    async as(org, { user, role }, requestId = newId("request")) {
      return studio.asUser("capabilities.devices", await mesh.accessToken({ user, org, role }), requestId);
    },
    enrolling: (org, requestId = newId("request")) => studio.asJob("capabilities.devices", "enroll", org, requestId),
  };
}

/** The value of a result that must be one. */
export function accepted<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`refused: ${result.code}`);
  return result.value;
}

/** The code of a refusal. */
export const codeOf = (result: Result<unknown>): string => (result.ok ? "ok" : result.code);

/** Makes a code and enrols one device with it. */
export async function enrolOne(world: World, org: OrgId, name = "Laptop 7"): Promise<{ id: DeviceId; token: string }> {
  const input = { slug: "demo", name: "Lab", expiresInSeconds: 600, maxUses: 1 };
  const { code } = accepted(await world.devices.createEnrollmentCode(await world.as(org, owner), input));
  const request = { code, name, platform: "linux", publicKey: null };
  const made = accepted(await world.devices.enroll(await world.enrolling(org), request));
  if (made.kind !== "enrolled") throw new Error("a fresh code was limited");
  return { id: made.device, token: made.token };
}

/** Makes a group with these devices and members. */
export async function groupOf(
  world: World,
  org: OrgId,
  name: string,
  content: { devices?: readonly DeviceId[]; members?: readonly UserId[] },
): Promise<GroupId> {
  const { id } = accepted(await world.devices.createGroup(await world.as(org, owner), name));
  for (const device of content.devices ?? []) {
    accepted(await world.devices.setGroupDevice(await world.as(org, owner), id, device, true));
  }
  for (const user of content.members ?? []) {
    accepted(await world.devices.setGroupMember(await world.as(org, owner), id, user, true));
  }
  return id;
}

/** Stores samples as Ingest does, under the scope of a job. */
export async function ingest(
  tenant: FreshTenant,
  device: DeviceId,
  samples: readonly { id: string; at: string; metrics: Record<string, number> }[],
): Promise<void> {
  const receivedAt = new Date().toISOString();
  const records = samples.map(({ id, at, metrics }) => {
    return { kind: "telemetry", device, sampleId: id, at, receivedAt, metrics } as const;
  });
  await tenant.run("system", null, ...ingestWork(records).statements);
}

/** Stores replies as Ingest does: sealed for their commands. */
export async function ingestReplies(
  world: World,
  tenant: FreshTenant,
  device: DeviceId,
  replies: readonly DeviceReply[],
): Promise<void> {
  const receivedAt = new Date().toISOString();
  const records = replies.map((reply) => ({ kind: "reply", device, receivedAt, reply }) as const);
  const sealed = await sealReplies(world.unit, scopeOf(tenant.org), records);
  await tenant.run("system", null, ...ingestWork(sealed).statements);
}

/** Whether a request left its receipt, seen by a job. */
export async function hasReceipt(tenant: FreshTenant, requestId: string): Promise<boolean> {
  const [rows] = await tenant.run("system", null, sql`SELECT FROM operation_receipts WHERE request_id = ${requestId}`);
  return rows?.length === 1;
}
