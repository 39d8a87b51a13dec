/** The data Worker's unit against the real clusters, and calls into it as the other Workers sign them. */

import { createHash } from "node:crypto";
import { base64url } from "jose";
import { expect } from "vitest";
import type { AuditEntry, AuditFields } from "../../../core/audit/events.ts";
import { committedFields, leafHash, leafJson, type Salts, type UnhashedEntry } from "../../../core/audit/leaf.ts";
import { type DeviceId, makeId } from "../../../core/ids.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import type { SinkEntry } from "../../../core/rpc/data.ts";
import { createUnit, type DataUnit } from "../../../workers/data/unit.ts";
import { createMeshKit, type MeshKit } from "../mesh-kit.ts";
import { dataVariables, newRequestId } from "../support.ts";

export interface DataWorld {
  readonly mesh: MeshKit;
  readonly unit: DataUnit;
}

export async function createDataWorld(): Promise<DataWorld> {
  const mesh = await createMeshKit();
  const unit = await createUnit({ ...dataVariables, MESH_ROOTS: mesh.namespace }, Date.now);
  return { mesh, unit };
}

/** The reason of a refused call; fails the test when the call went through. */
export async function refusedBecause(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error, "the call went through").toBeInstanceOf(CallRefused);
  return (error as CallRefused).reason;
}

export const newDeviceId = (): DeviceId => makeId("device", Date.now(), crypto.getRandomValues(new Uint8Array(10)));

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

export interface TestEntry extends SinkEntry {
  /** As they were before personal fields were sealed, base64url by field. */
  readonly salts: Readonly<Record<string, string>>;
}

/** An entry as AuditLog hands it over: really committed and really hashed. What is sealed opens with no key. */
export function sinkEntry(log: string, seq: number, event: AuditFields, over: Partial<UnhashedEntry> = {}): TestEntry {
  const unhashed: UnhashedEntry = {
    version: 1,
    log,
    seq,
    at: new Date(Date.UTC(2026, 5, 1) + seq).toISOString(),
    request_id: newRequestId(),
    phase: "event",
    intent_seq: null,
    result: null,
    event,
    ...over,
  };
  const salts: Salts = Object.fromEntries(
    committedFields(event).map((field) => [field, crypto.getRandomValues(new Uint8Array(16))]),
  );
  const leaf = leafJson(unhashed, salts, sha256);
  const entry: AuditEntry = { ...unhashed, leaf_hash: leafHash(leaf, sha256) };
  return {
    entry,
    leafJson: leaf,
    sealed: [{ subject: seq, sealed: `p1.${base64url.encode(crypto.getRandomValues(new Uint8Array(64)))}` }],
    salts: Object.fromEntries(Object.entries(salts).map(([field, salt]) => [field, base64url.encode(salt)])),
  };
}
