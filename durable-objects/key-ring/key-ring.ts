import { DurableObject } from "cloudflare:workers";
import { base64url, calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from "jose";
import { backendAssertionType, backendAudience } from "../../core/backends/assertion.ts";
import { parseId } from "../../core/ids.ts";
import { accessTokenSecondsMax, assertionSecondsMax, certificateSecondsMax } from "../../core/limits.ts";
import { type AccessClaims, accessTokenAudience, type CertificateClaims, tokenTypes } from "../../core/mesh/claims.ts";
import { type Workload, workloadGrants } from "../../core/mesh/workloads.ts";
import type { LogKey } from "../../core/rpc/audit-proofs.ts";
import { type KeyPurpose, keyPurposes, type RotatedKeys } from "../../core/rpc/durable-objects.ts";
import { parseRole } from "../../core/tenancy/roles.ts";
import type { Env } from "../env.ts";
import type { BackendCaller, KeyRingMethods } from "./key-ring-methods.ts";
import { KeyStore, type StoredKey } from "./key-store.ts";
import { type HeadAnswer, type HeadRequest, LogSigner } from "./log-signer.ts";
import { planKeys, signingKey, signsFrom } from "./schedule.ts";
import { SealedPrivate } from "./sealed-private.ts";

/** KV keys of the public sets, each `{keys: JWK[]}` as JSON; `data` has no other way to learn them. */
export const pushedSets = { mesh: "roots", access: "access" } as const satisfies Record<KeyPurpose, string>;

/** A failed pass over the keys is tried again after this long, in milliseconds. */
const retryMs = 60_000;
/** Sets are pushed at least this often, so that a namespace which lost them heals by itself. */
const pushEveryMs = 24 * 3600_000;

/**
 * The one object that holds signing keys. Private halves are made here, sealed before they are
 * stored, and used here: no method returns one.
 */
export class KeyRing extends DurableObject<Env> implements KeyRingMethods {
  readonly #store: KeyStore;
  readonly #sealed: Readonly<Record<KeyPurpose, SealedPrivate>>;
  readonly #logs: LogSigner;
  /** Written only by `#privateKey`. Opened keys by kid; CryptoKeys that cannot be exported. */
  readonly #opened = new Map<string, CryptoKey>();
  /** Written only by `#maintain`. One pass at a time: two would each make a key. */
  #pass: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new KeyStore(ctx.storage.sql);
    const sealedFor = (purpose: string): SealedPrivate => new SealedPrivate(() => this.env, `${purpose}-signing-key`);
    this.#sealed = { access: sealedFor("access"), mesh: sealedFor("mesh") };
    this.#logs = new LogSigner(ctx.storage.sql, sealedFor("audit-log"), env.ISSUER);
  }

  /** Keys of audit logs' checkpoints, newest first. */
  async logKeys(): Promise<{ keys: LogKey[] }> {
    return { keys: this.#logs.keys() };
  }

  /** Signs a log's head if it follows from the one signed before; see `LogSigner`. */
  async signHead(request: HeadRequest): Promise<HeadAnswer> {
    return await this.#logs.sign(request);
  }

  /** Ends the key of checkpoints; from now on a new one signs. */
  async rotateLogKey(): Promise<RotatedKeys> {
    return await this.#logs.rotate(Date.now());
  }

  /** Public keys of access tokens, newest first. */
  async accessKeys(): Promise<{ keys: JWK[] }> {
    await this.#bootstrapped();
    return this.#publicSet("access");
  }

  /** Public keys that sign isolates' certificates, newest first. */
  async meshRoots(): Promise<{ keys: JWK[] }> {
    await this.#bootstrapped();
    return this.#publicSet("mesh");
  }

  /**
   * Certifies an isolate's public key for one workload, with that workload's grants and no others.
   * @param publicKey raw Ed25519 public key (32 bytes), base64url
   */
  async certify(workload: Workload, publicKey: string): Promise<{ certificate: string; expiresAtMs: number }> {
    const grant = workloadGrants[workload];
    if (grant === undefined) throw new Error("unknown workload");
    if (typeof publicKey !== "string" || !/^[A-Za-z0-9_-]{43}$/.test(publicKey)) {
      throw new Error("a public key is 32 bytes in base64url");
    }
    const claims: Omit<CertificateClaims, "iat" | "exp"> = {
      iss: "keyring",
      sub: workload,
      cnf: { jwk: { kty: "OKP", crv: "Ed25519", x: publicKey } },
      audiences: grant.audiences,
      jobs: grant.jobs,
    };
    const { token, expiresAtMs } = await this.#sign("mesh", tokenTypes.certificate, claims, certificateSecondsMax);
    return { certificate: token, expiresAtMs };
  }

  /** Signs an access token of one hour (RFC 9068). */
  async signAccessToken(
    claims: Pick<AccessClaims, "sub" | "org" | "role" | "sid">,
  ): Promise<{ token: string; expiresAtMs: number }> {
    const sub = parseId("user", claims.sub);
    const org = claims.org === null ? null : parseId("org", claims.org);
    const role = claims.role === null ? null : parseRole(claims.role);
    const sid = parseId("session", claims.sid);
    // A role is held in an organisation: one without the other says nothing true.
    const paired = (org === null) === (role === null) && org === claims.org && role === claims.role;
    if (sub === null || sid === null || !paired) throw new Error("claims that no session can have");
    const jti = base64url.encode(crypto.getRandomValues(new Uint8Array(16)));
    const body: Omit<AccessClaims, "iat" | "exp"> = {
      iss: this.env.ISSUER,
      aud: accessTokenAudience,
      sub,
      org,
      role,
      sid,
      jti,
    };
    return await this.#sign("access", tokenTypes.access, body, accessTokenSecondsMax);
  }

  /** Signs assertions of a minute for one backend outside; each has an id of its own. */
  async signBackendAssertions(caller: BackendCaller, count: number): Promise<{ assertions: string[] }> {
    const { backend, sub, org, role, rid } = caller;
    const assertions: string[] = [];
    for (let made = 0; made < count; made += 1) {
      const jti = base64url.encode(crypto.getRandomValues(new Uint8Array(16)));
      const claims = { iss: this.env.ISSUER, aud: backendAudience(backend), sub, org, role, rid, jti };
      assertions.push((await this.#sign("access", backendAssertionType, claims, assertionSecondsMax)).token);
    }
    return { assertions };
  }

  /**
   * Revokes every key of one purpose and makes, publishes and signs with a new one at once.
   *
   * COMMIT POINT: the keys are gone from here on, whatever follows. A crash, or KV that does not answer,
   * leaves no key at all: nothing is signed, nobody is shown the old ones, and the next call or alarm
   * makes and publishes the new one, exactly as at the very first start.
   */
  async rotate(purpose: KeyPurpose): Promise<RotatedKeys> {
    if (!keyPurposes.includes(purpose)) throw new Error("unknown purpose");
    await this.ctx.storage.setAlarm(Date.now() + retryMs);
    // A pass under way would still push the keys that it has read.
    while (this.#pass !== null) await this.#pass.catch(() => undefined);
    const revoked = this.#store.list(purpose).map(({ kid }) => kid);
    for (const kid of revoked) this.#forget(kid);
    await this.#maintain();
    const key = signingKey(this.#store.list(purpose), Date.now());
    if (key === null) throw new Error(`no ${purpose} key signs now`);
    return { kid: key.kid, revoked };
  }

  override async alarm(): Promise<void> {
    // First the next alarm, then the work: an alarm that keeps throwing is dropped by the platform.
    await this.ctx.storage.setAlarm(Date.now() + retryMs);
    await this.#maintain();
  }

  async #sign(
    purpose: KeyPurpose,
    typ: string,
    claims: object,
    lifeSeconds: number,
  ): Promise<{ token: string; expiresAtMs: number }> {
    await this.#bootstrapped();
    const nowMs = Date.now();
    const key = signingKey(this.#store.list(purpose), nowMs);
    if (key === null) throw new Error(`no ${purpose} key signs now`);
    const iat = Math.floor(nowMs / 1000);
    const exp = iat + lifeSeconds;
    const token = await new SignJWT({ ...claims, iat, exp })
      .setProtectedHeader({ alg: "EdDSA", kid: key.kid, typ })
      .sign(await this.#privateKey(key));
    // Revoked while it signed: nobody will take this one.
    if (!this.#store.has(key.kid)) return this.#sign(purpose, typ, claims, lifeSeconds);
    return { token, expiresAtMs: exp * 1000 };
  }

  /**
   * Waits for the first keys. They are pushed before this returns, so nothing is signed that
   * `data`, which reads only KV, could not verify.
   */
  async #bootstrapped(): Promise<void> {
    const nowMs = Date.now();
    if (keyPurposes.every((purpose) => signingKey(this.#store.list(purpose), nowMs) !== null)) return;
    await this.#maintain();
  }

  #maintain(): Promise<void> {
    this.#pass ??= this.#runPass().finally(() => {
      this.#pass = null;
    });
    return this.#pass;
  }

  /** Makes, pushes and forgets what is due. Whatever fails is still due at the next pass. */
  async #runPass(): Promise<void> {
    const nowMs = Date.now();
    await this.#logs.reseal();
    for (const purpose of keyPurposes) {
      const plan = planKeys(this.#store.list(purpose), nowMs);
      for (const kid of plan.forget) this.#forget(kid);
      for (const key of this.#store.list(purpose)) await this.#reseal(key);
      if (plan.make) await this.#makeKey(purpose, nowMs);
      // Commit point of a rotation: a crash before the push leaves a key that never signed and is
      // pushed by the next pass; a crash after it, before `publish`, pushes the same set again.
      await this.env.MESH_ROOTS.put(pushedSets[purpose], JSON.stringify(this.#publicSet(purpose)));
      const keys = this.#store.list(purpose);
      for (const key of keys) {
        if (key.signsFromMs === null) this.#store.publish(key.kid, signsFrom(keys, Date.now()));
      }
    }
    const plans = keyPurposes.map((purpose) => planKeys(this.#store.list(purpose), nowMs).nextMs);
    await this.ctx.storage.setAlarm(Math.max(nowMs + 1000, Math.min(nowMs + pushEveryMs, ...plans)));
  }

  async #makeKey(purpose: KeyPurpose, nowMs: number): Promise<void> {
    // Extractable only here, between making and sealing.
    const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const { x } = await exportJWK(pair.publicKey);
    if (x === undefined) throw new Error("an Ed25519 public key has no x");
    const kid = await calculateJwkThumbprint({ kty: "OKP", crv: "Ed25519", x });
    const pkcs8 = new Uint8Array((await crypto.subtle.exportKey("pkcs8", pair.privateKey)) as ArrayBuffer);
    const sealedPrivate = await this.#sealed[purpose].seal(kid, pkcs8);
    const publicJwk: JWK = { kty: "OKP", crv: "Ed25519", x, kid, use: "sig", alg: "EdDSA" };
    this.#store.add({ kid, purpose, publicJwk, sealedPrivate }, nowMs);
  }

  async #privateKey(key: StoredKey): Promise<CryptoKey> {
    const opened = this.#opened.get(key.kid);
    if (opened !== undefined) return opened;
    const pkcs8 = await this.#sealed[key.purpose].open(key.kid, key.sealedPrivate);
    const imported = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
    if (this.#store.has(key.kid)) this.#opened.set(key.kid, imported);
    return imported;
  }

  #forget(kid: string): void {
    this.#store.forget(kid);
    this.#opened.delete(kid);
  }

  /** Seals a key anew that is still under the key-encryption key of before, so that one can be thrown away. */
  async #reseal(key: StoredKey): Promise<void> {
    const sealed = await this.#sealed[key.purpose].reseal(key.kid, key.sealedPrivate);
    if (sealed !== null) this.#store.reseal(key.kid, sealed);
  }

  #publicSet(purpose: KeyPurpose): { keys: JWK[] } {
    return { keys: this.#store.list(purpose).map((key) => key.publicJwk) };
  }
}
