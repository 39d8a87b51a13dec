import type { JWK } from "jose";
import type { BackendAssertionClaims } from "../../core/backends/assertion.ts";
import type { AccessClaims } from "../../core/mesh/claims.ts";
import type { Workload } from "../../core/mesh/workloads.ts";
import type { LogKey } from "../../core/rpc/audit-proofs.ts";
import type { KeyPurpose, RotatedKeys } from "../../core/rpc/durable-objects.ts";
import type { HeadAnswer, HeadRequest } from "./log-signer.ts";

/** Who calls a backend, as verified. */
export type BackendCaller = Pick<BackendAssertionClaims, "sub" | "org" | "role" | "rid"> & { readonly backend: string };

/** What the entrypoints of this Worker call on the KeyRing object. No method returns a private key. */
export interface KeyRingMethods {
  /** Public keys of access tokens, newest first. */
  accessKeys(): Promise<{ keys: JWK[] }>;
  /** Public keys that sign isolates' certificates, newest first. */
  meshRoots(): Promise<{ keys: JWK[] }>;
  /** Keys of audit logs' checkpoints, newest first. */
  logKeys(): Promise<{ keys: LogKey[] }>;
  /** Signs a log's head if it follows from the one signed before. */
  signHead(request: HeadRequest): Promise<HeadAnswer>;
  /** Ends the key of checkpoints; from now on a new one signs. */
  rotateLogKey(): Promise<RotatedKeys>;
  /**
   * Certifies an isolate's public key for one workload, with that workload's grants and no others.
   * @param publicKey raw Ed25519 public key (32 bytes), base64url
   */
  certify(workload: Workload, publicKey: string): Promise<{ certificate: string; expiresAtMs: number }>;
  /**
   * Revokes every key of one purpose and makes, publishes and signs with a new one at once. When KV can't be
   * told, the keys are revoked all the same, it throws, and nothing is signed until KV was told.
   */
  rotate(purpose: KeyPurpose): Promise<RotatedKeys>;
  /**
   * Signs assertions of a minute for one backend outside, alike in all but their ids. Their key is that of access
   * tokens, which outsiders can fetch; their type and audience are their own.
   */
  signBackendAssertions(caller: BackendCaller, count: number): Promise<{ assertions: string[] }>;
  /** Signs an access token of one hour (RFC 9068). */
  signAccessToken(
    claims: Pick<AccessClaims, "sub" | "org" | "role" | "sid">,
  ): Promise<{ token: string; expiresAtMs: number }>;
}
