import { WorkerEntrypoint } from "cloudflare:workers";
import type { CertifierRpc } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { keyRingName } from "../mesh.ts";

/**
 * One class per workload. A caller has no identity before it is certified, so the binding is the
 * authority: the workload is written here and is no argument.
 */
export class CertifyStudio extends WorkerEntrypoint<Env> implements CertifierRpc {
  async certify(publicKey: string): Promise<{ certificate: string; expiresAtMs: number }> {
    const { certificate, expiresAtMs } = await this.env.KEY_RING.getByName(keyRingName).certify("studio", publicKey);
    return { certificate, expiresAtMs };
  }
}

/** The same for capabilities. */
export class CertifyCapabilities extends WorkerEntrypoint<Env> implements CertifierRpc {
  async certify(publicKey: string): Promise<{ certificate: string; expiresAtMs: number }> {
    const ring = this.env.KEY_RING.getByName(keyRingName);
    const { certificate, expiresAtMs } = await ring.certify("capabilities", publicKey);
    return { certificate, expiresAtMs };
  }
}
