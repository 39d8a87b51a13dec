import type { JWK } from "jose";
import { createMeshKeys, type MeshKeys } from "../../core/mesh/keys.ts";

/** Keys as the data Worker has them: those that KeyRing pushed to KV, and nothing else. */
export function dataKeys(namespace: KVNamespace): MeshKeys {
  const pushed = async (name: string): Promise<{ keys: JWK[] }> =>
    (await namespace.get<{ keys: JWK[] }>(name, "json")) ?? { keys: [] };
  return createMeshKeys({
    issuer: "https://sentinel.test",
    fetchRoots: () => pushed("roots"),
    fetchAccess: () => pushed("access"),
    now: Date.now,
  });
}
