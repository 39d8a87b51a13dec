import { WorkerEntrypoint } from "cloudflare:workers";
import type { SignedCall } from "../../core/mesh/claims.ts";
import {
  type KeyRotationRpc,
  type RotatedKeys,
  type RotatedPurpose,
  rotatedPurposes,
} from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { keyRingName, verifyInward } from "../mesh.ts";

/** For studio alone: only its certificate grants this audience and this job. It signs nothing and reads nothing. */
export class KeyRotation extends WorkerEntrypoint<Env> implements KeyRotationRpc {
  async rotate(call: SignedCall, purpose: RotatedPurpose): Promise<RotatedKeys> {
    await verifyInward(this.env, call, {
      audience: "durable-objects.key-rotation",
      org: null,
      jobs: ["rotate_keys"],
      once: true,
    });
    if (!rotatedPurposes.includes(purpose)) throw new Error("unknown purpose");
    const ring = this.env.KEY_RING.getByName(keyRingName);
    const { kid, revoked } = await (purpose === "audit_log" ? ring.rotateLogKey() : ring.rotate(purpose));
    return { kid, revoked: [...revoked] };
  }
}
