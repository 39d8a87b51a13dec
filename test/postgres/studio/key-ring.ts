/** KeyRing's two authorities in memory: its real object runs in workerd only. Tokens and certificates are real. */
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { accessTokenAudience, type SignedCall, tokenTypes } from "../../../core/mesh/claims.ts";
import { createMeshKeys, type MeshKeys } from "../../../core/mesh/keys.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import { workloadGrants } from "../../../core/mesh/workloads.ts";
import type {
  CertifierRpc,
  KeyPurpose,
  KeyRotationRpc,
  PublicKeysRpc,
  TokenSignerRpc,
} from "../../../core/rpc/durable-objects.ts";

interface Authority {
  readonly kid: string;
  readonly jwks: { keys: JWK[] };
  sign(claims: Record<string, unknown>, typ: string): Promise<string>;
}

async function authority(kid: string, now: () => number): Promise<Authority> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const iat = (): number => Math.floor(now() / 1000);
  return {
    kid,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid }] },
    sign: (claims, typ) =>
      new SignJWT({ iat: iat(), exp: iat() + 3600, ...claims })
        .setProtectedHeader({ alg: "EdDSA", kid, typ })
        .sign(privateKey),
  };
}

export interface FakeKeyRing {
  readonly keys: MeshKeys;
  readonly publicKeys: PublicKeysRpc;
  readonly certifier: CertifierRpc;
  readonly tokenSigner: TokenSignerRpc;
  readonly keyRotation: KeyRotationRpc;
}

export async function createFakeKeyRing(now: () => number): Promise<FakeKeyRing> {
  const authorities: Record<KeyPurpose, Authority> = {
    mesh: await authority("mesh-1", now),
    access: await authority("access-1", now),
  };
  const publicKeys: PublicKeysRpc = {
    accessKeys: async () => authorities.access.jwks,
    meshRoots: async () => authorities.mesh.jwks,
    logKeys: async () => ({ keys: [] }),
  };
  const keys = createMeshKeys({
    issuer: "https://sentinel.test",
    fetchRoots: publicKeys.meshRoots,
    fetchAccess: publicKeys.accessKeys,
    now,
  });
  let count = 0;
  return {
    keys,
    publicKeys,
    certifier: {
      async certify(x) {
        const cnf = { jwk: { kty: "OKP", crv: "Ed25519", x } };
        const claims = { iss: "keyring", sub: "studio", cnf, ...workloadGrants.studio };
        const certificate = await authorities.mesh.sign(claims, tokenTypes.certificate);
        return { certificate, expiresAtMs: now() + 3600_000 };
      },
    },
    tokenSigner: {
      async signAccessToken(call: SignedCall, claims) {
        const { org } = claims;
        const expect = { audience: "durable-objects.token-signer", org, jobs: ["sign_tokens"], once: true } as const;
        await verifyCall(call, expect, keys, now());
        count += 1;
        const token = await authorities.access.sign(
          { iss: "https://sentinel.test", aud: accessTokenAudience, jti: `j${count}`, ...claims },
          tokenTypes.access,
        );
        return { token, expiresAtMs: now() + 3600_000 };
      },
    },
    keyRotation: {
      async rotate(call, purpose) {
        const expect = { audience: "durable-objects.key-rotation", org: null, jobs: ["rotate_keys"] } as const;
        await verifyCall(call, expect, keys, now());
        if (purpose === "audit_log") return { kid: "log-2", revoked: ["log-1"] };
        const revoked = authorities[purpose].kid;
        authorities[purpose] = await authority(`${purpose}-${Number(revoked.split("-")[1]) + 1}`, now);
        // As if another request had made the callees ask for the keys a moment later.
        await keys.roots.find("nobody's");
        return { kid: authorities[purpose].kid, revoked: [revoked] };
      },
    },
  };
}
