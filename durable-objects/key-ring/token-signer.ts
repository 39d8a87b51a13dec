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
    // For the organisation that the call says and no other: an assertion is not a blank form.
    const org = claims.org;
    await verifyInward(this.env, call, {
      audience: "durable-objects.token-signer",
      org,
      jobs: ["sign_tokens"],
      once: true,
    });
    const { token, expiresAtMs } = await this.env.KEY_RING.getByName(keyRingName).signAccessToken(claims);
    return { token, expiresAtMs };
  }
}
