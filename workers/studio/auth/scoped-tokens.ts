import { decodeProtectedHeader } from "jose";
import type { OrgId, RequestId, SessionId, UserId } from "../../../core/ids.ts";
import type { Caller } from "../../../core/mesh/caller.ts";
import type { KeySource } from "../../../core/mesh/keys.ts";
import type { TokenSignerRpc } from "../../../core/rpc/durable-objects.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { BoundedMap } from "../bounded-map.ts";
import { fromPart } from "../downstream.ts";

/** Whom an access token is for. Made only after the session and the membership were read from the database. */
export interface TokenSubject {
  readonly user: UserId;
  readonly session: SessionId;
  /** Null: for no organisation yet. */
  readonly scope: { readonly org: OrgId; readonly role: Role } | null;
}
export interface SignedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

export interface ScopedTokens {
  /**
   * A token for calls inward. May be up to a minute old, and is not one whose key this isolate knows to be revoked.
   * @param renew sign another one whatever is kept
   */
  forCalls(subject: TokenSubject, requestId: RequestId, renew?: boolean): Promise<SignedToken>;
  /** A fresh token, to hand out. */
  fresh(subject: TokenSubject, requestId: RequestId): Promise<SignedToken>;
}

/** How long an isolate uses a token again, in milliseconds. It only saves signatures: rights are read each time. */
const keptMs = 60_000;
/** Tokens one isolate keeps: a few MB at most. */
const keptMax = 1000;

export function createScopedTokens(
  signer: TokenSignerRpc,
  caller: Caller,
  keys: KeySource,
  now: () => number,
): ScopedTokens {
  /** Only finished tokens are shared between requests. */
  const kept = new BoundedMap<SignedToken & { readonly kid: string; readonly untilMs: number }>(keptMax);

  const fresh = (subject: TokenSubject, requestId: RequestId): Promise<SignedToken> =>
    fromPart("token signer", async () => {
      const call = await caller.asJob(
        "durable-objects.token-signer",
        "sign_tokens",
        subject.scope?.org ?? null,
        requestId,
      );
      return signer.signAccessToken(call, {
        sub: subject.user,
        org: subject.scope?.org ?? null,
        role: subject.scope?.role ?? null,
        sid: subject.session,
      });
    });

  return {
    fresh,
    async forCalls(subject, requestId, renew = false) {
      const key = [subject.user, subject.session, subject.scope?.org, subject.scope?.role].join(" ");
      const found = kept.get(key);
      const usable = !renew && found !== undefined && now() < found.untilMs;
      if (usable && (await keys.find(found.kid)) !== null) return found;
      const made = await fresh(subject, requestId);
      const kid = decodeProtectedHeader(made.token).kid ?? "";
      kept.set(key, { ...made, kid, untilMs: Math.min(now() + keptMs, made.expiresAtMs) });
      return made;
    },
  };
}
