import { generateKeyPairSync } from "node:crypto";
import { exportJWK, importJWK, type JWK, SignJWT } from "jose";
import { type Id, type IdKind, makeId, type OrgId, type UserId } from "../../../core/ids.ts";
import { type Caller, createCaller } from "../../../core/mesh/caller.ts";
import { accessTokenAudience, tokenTypes } from "../../../core/mesh/claims.ts";
import { createMeshKeys, type MeshKeys } from "../../../core/mesh/keys.ts";
import { type Workload, workloadGrants } from "../../../core/mesh/workloads.ts";
import type { Role } from "../../../core/tenancy/roles.ts";

/** Random bytes of this process. */
export const random = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => crypto.getRandomValues(bytes);

/** A new identifier of one kind. */
export function newId<K extends IdKind>(kind: K): Id<K> {
  return makeId(kind, Date.now(), random(new Uint8Array(10)));
}

/** A signing authority, like each of KeyRing's two. */
async function authority(
  kid: string,
): Promise<{ public: JWK; sign: (claims: object, typ: string) => Promise<string> }> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = await importJWK(await exportJWK(privateKey), "EdDSA");
  return {
    public: { ...(await exportJWK(publicKey)), kid, alg: "EdDSA", use: "sig" },
    sign: (claims, typ) => new SignJWT({ ...claims }).setProtectedHeader({ alg: "EdDSA", kid, typ }).sign(key),
  };
}

export interface TestMesh {
  /** What callees verify with. */
  readonly keys: MeshKeys;
  readonly rootKeys: readonly JWK[];
  readonly accessKeys: readonly JWK[];
  /** A workload's identity, as KeyRing would certify it. `now` shifts its clock. */
  callerOf(workload: Workload, now?: () => number): Caller;
  /** A person's access token, as KeyRing would sign it. */
  accessToken(person: { user: UserId; org: OrgId; role: Role }, atMs?: number): Promise<string>;
}

/** The mesh with real keys and signatures and no network. Two of them don't trust each other. */
export async function createTestMesh(): Promise<TestMesh> {
  const [root, access] = await Promise.all([authority("root-1"), authority("access-1")]);
  const keys = createMeshKeys({
    issuer: "https://sentinel.test",
    fetchRoots: async () => ({ keys: [root.public] }),
    fetchAccess: async () => ({ keys: [access.public] }),
    now: Date.now,
  });
  return {
    keys,
    rootKeys: [root.public],
    accessKeys: [access.public],
    callerOf: (workload, now = Date.now) =>
      createCaller({
        workload,
        now,
        random,
        roots: keys.roots,
        certify: async (x) => {
          const iat = Math.floor(now() / 1000);
          const cnf = { jwk: { kty: "OKP", crv: "Ed25519", x } };
          const claims = { iss: "keyring", sub: workload, cnf, ...workloadGrants[workload], iat, exp: iat + 3600 };
          return { certificate: await root.sign(claims, tokenTypes.certificate), expiresAtMs: (iat + 3600) * 1000 };
        },
      }),
    accessToken: ({ user, org, role }, atMs = Date.now()) => {
      const iat = Math.floor(atMs / 1000);
      const claims = { iss: "https://sentinel.test", aud: accessTokenAudience, sub: user, org, role };
      return access.sign(
        { ...claims, sid: newId("session"), jti: newId("assertion"), iat, exp: iat + 3600 },
        tokenTypes.access,
      );
    },
  };
}
