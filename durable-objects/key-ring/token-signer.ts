import { WorkerEntrypoint } from "cloudflare:workers";
import type { AccessClaims, SignedCall } from "../../core/mesh/claims.ts";
import type { TokenSignerRpc } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { keyRingName, verifyInward } from "../mesh.ts";

/** For studio alone: only its certificate grants this audience and this job. */
export class TokenSigner extends WorkerEntrypoint<Env> implements TokenSignerRpc {
  async signAccessToken(
    call: SignedCall,
    claims: Pick<AccessClaims, "sub" | "org" | "role" | "sid">,
  ): Promise<{ token: string; expiresAtMs: number }> {
    await verifyInward(this.env, call, { audience: "durable-objects.token-signer", jobs: ["sign_tokens"] });
    const { token, expiresAtMs } = await this.env.KEY_RING.getByName(keyRingName).signAccessToken(claims);
    return { token, expiresAtMs };
  }
}
