import { WorkerEntrypoint } from "cloudflare:workers";
import type { JWK } from "jose";
import type { LogKey } from "../../core/rpc/audit-proofs.ts";
import type { PublicKeysRpc } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { keyRingName } from "../mesh.ts";

/**
 * Public keys, for edge, studio and capabilities. It carries no assertion: the binding is the
 * authority, and what it hands out is public anyway.
 */
export class PublicKeys extends WorkerEntrypoint<Env> implements PublicKeysRpc {
  async accessKeys(): Promise<{ keys: JWK[] }> {
    return { keys: (await this.env.KEY_RING.getByName(keyRingName).accessKeys()).keys };
  }

  async meshRoots(): Promise<{ keys: JWK[] }> {
    return { keys: (await this.env.KEY_RING.getByName(keyRingName).meshRoots()).keys };
  }

  async logKeys(): Promise<{ keys: LogKey[] }> {
    return { keys: (await this.env.KEY_RING.getByName(keyRingName).logKeys()).keys };
  }
}
