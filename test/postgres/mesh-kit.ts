/** Signed calls as the other Workers make them, with throw-away keys. */
import { base64url, exportJWK, type JWK, SignJWT } from "jose";
import { makeId, type OrgId, type UserId } from "../../core/ids.ts";
import { type Caller, createCaller } from "../../core/mesh/caller.ts";
import { accessTokenAudience, tokenTypes } from "../../core/mesh/claims.ts";
import { createKeySource } from "../../core/mesh/keys.ts";
import { type Workload, workloadGrants } from "../../core/mesh/workloads.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import type { DataEnv } from "../../workers/data/config.ts";

const random = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => crypto.getRandomValues(bytes);

interface Authority {
  readonly jwk: JWK;
  sign(claims: Record<string, unknown>, typ: string): Promise<string>;
}

async function authority(kid: string): Promise<Authority> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  return {
    jwk: { ...(await exportJWK(pair.publicKey)), kid },
    sign: (claims, typ) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: "EdDSA", typ, kid })
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(pair.privateKey),
  };
}

export interface MeshKit {
  /** What KeyRing would have pushed: KV key → JSON. */
  readonly pushed: Readonly<Record<"roots" | "access", string>>;
  /** The MESH_ROOTS binding. */
  readonly namespace: DataEnv["MESH_ROOTS"];
  caller(workload: Workload): Caller;
  accessToken(org: OrgId, user: UserId, role: Role): Promise<string>;
}

/** One mesh: a root that certifies and a key that signs people's tokens. */
export async function createMeshKit(): Promise<MeshKit> {
  const [root, access] = await Promise.all([authority("root-1"), authority("access-1")]);
  const pushed = { roots: JSON.stringify({ keys: [root.jwk] }), access: JSON.stringify({ keys: [access.jwk] }) };
  return {
    pushed,
    namespace: {
      get: async (name: string) => (pushed as Record<string, string>)[name] ?? null,
    } as DataEnv["MESH_ROOTS"],
    caller: (workload) =>
      createCaller({
        workload,
        now: Date.now,
        random,
        roots: createKeySource(async () => ({ keys: [root.jwk] }), Date.now),
        certify: async (publicKey) => ({
          expiresAtMs: Date.now() + 3_600_000,
          certificate: await root.sign(
            {
              iss: "keyring",
              sub: workload,
              cnf: { jwk: { kty: "OKP", crv: "Ed25519", x: publicKey } },
              ...workloadGrants[workload],
            },
            tokenTypes.certificate,
          ),
        }),
      }),
    accessToken: (org, user, role) =>
      access.sign(
        {
          iss: "https://sentinel.test",
          aud: accessTokenAudience,
          sub: user,
          org,
          role,
          sid: makeId("session", Date.now(), random(new Uint8Array(10))),
          jti: base64url.encode(random(new Uint8Array(16))),
        },
        tokenTypes.access,
      ),
  };
}
