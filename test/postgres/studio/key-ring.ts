/** KeyRing's two authorities in memory: its real object runs in workerd only. Tokens and certificates are real. */
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { accessTokenAudience, type SignedCall, tokenTypes } from "../../../core/mesh/claims.ts";
import { createMeshKeys, type MeshKeys } from "../../../core/mesh/keys.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import { workloadGrants } from "../../../core/mesh/workloads.ts";
import type { CertifierRpc, PublicKeysRpc, TokenSignerRpc } from "../../../core/rpc/durable-objects.ts";

interface Authority {
  readonly jwks: { keys: JWK[] };
  sign(claims: Record<string, unknown>, typ: string): Promise<string>;
}

async function authority(kid: string, now: () => number): Promise<Authority> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const iat = (): number => Math.floor(now() / 1000);
  return {
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
}

export async function createFakeKeyRing(now: () => number): Promise<FakeKeyRing> {
  const [root, access] = await Promise.all([authority("root-1", now), authority("access-1", now)]);
  const keys = createMeshKeys({
    issuer: "https://sentinel.test",
    fetchRoots: async () => root.jwks,
    fetchAccess: async () => access.jwks,
    now,
  });
  let count = 0;
  return {
    keys,
    publicKeys: { accessKeys: async () => access.jwks, meshRoots: async () => root.jwks },
    certifier: {
      async certify(x) {
        const cnf = { jwk: { kty: "OKP", crv: "Ed25519", x } };
        const claims = { iss: "keyring", sub: "studio", cnf, ...workloadGrants.studio };
        return { certificate: await root.sign(claims, tokenTypes.certificate), expiresAtMs: now() + 3600_000 };
      },
    },
    tokenSigner: {
      async signAccessToken(call: SignedCall, claims) {
        await verifyCall(call, { audience: "durable-objects.token-signer", jobs: ["sign_tokens"] }, keys, now());
        count += 1;
        const token = await access.sign(
          { iss: "https://sentinel.test", aud: accessTokenAudience, jti: `j${count}`, ...claims },
          tokenTypes.access,
        );
        return { token, expiresAtMs: now() + 3600_000 };
      },
    },
  };
}
