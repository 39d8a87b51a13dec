import type { RequestId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { instant, textOf, textOrNull } from "./columns.ts";

/** How long an answer is kept, in milliseconds. */
export const idempotencyKeptMs = 24 * 3600_000;
/** A request that has not finished by then was cut off, and the key may be tried again. In milliseconds. */
export const idempotencyLeaseMs = 2 * 60_000;
/** Expired rows that one claim sweeps away. */
const sweptMax = 20;

export interface IdempotencyClaim {
  /** HMAC of actor, route and key. */
  readonly keyHash: string;
  /** HMAC of the whole request. */
  readonly requestHash: string;
  readonly requestId: RequestId;
}

export type ClaimOutcome =
  | { readonly kind: "claimed" }
  | { readonly kind: "conflict" }
  | { readonly kind: "in_progress" }
  | { readonly kind: "finished"; readonly sealedAnswer: string };

/** Claims a key for this request, or tells what the first request with it came to. One request wins. */
export async function claimIdempotencyKey(
  database: Database,
  claim: IdempotencyClaim,
  nowMs: number,
): Promise<ClaimOutcome> {
  const now = instant(nowMs);
  const lease = instant(nowMs + idempotencyLeaseMs);
  const expires = instant(nowMs + idempotencyKeptMs);
  const [, , rows] = await database.transaction([
    sql`DELETE FROM control.idempotency_keys WHERE key_hash IN
      (SELECT key_hash FROM control.idempotency_keys WHERE expires_at < ${now}::timestamptz LIMIT ${sweptMax}
        FOR UPDATE SKIP LOCKED)`,
    sql`INSERT INTO control.idempotency_keys AS k (key_hash, request_hash, request_id, lease_until, expires_at)
      VALUES (${claim.keyHash}, ${claim.requestHash}, ${claim.requestId}, ${lease}::timestamptz, ${expires}::timestamptz)
      ON CONFLICT (key_hash) DO UPDATE SET request_hash = excluded.request_hash, request_id = excluded.request_id,
        sealed_answer = NULL, lease_until = excluded.lease_until, expires_at = excluded.expires_at
      WHERE k.expires_at < ${now}::timestamptz
        OR (k.sealed_answer IS NULL AND k.lease_until < ${now}::timestamptz AND k.request_hash = excluded.request_hash)`,
    sql`SELECT request_hash, request_id, sealed_answer FROM control.idempotency_keys WHERE key_hash = ${claim.keyHash}`,
  ]);
  const row = rows?.[0];
  // Released by its owner between the two statements: the next attempt will get it.
  if (row === undefined) return { kind: "in_progress" };
  if (textOf(row, "request_id") === claim.requestId) return { kind: "claimed" };
  if (textOf(row, "request_hash") !== claim.requestHash) return { kind: "conflict" };
  const sealedAnswer = textOrNull(row, "sealed_answer");
  return sealedAnswer === null ? { kind: "in_progress" } : { kind: "finished", sealedAnswer };
}

/** Keeps the answer. Only the request that holds the key can. */
export async function finishIdempotencyKey(
  database: Database,
  claim: IdempotencyClaim,
  sealedAnswer: string,
): Promise<void> {
  await database.query(
    sql`UPDATE control.idempotency_keys SET sealed_answer = ${sealedAnswer}
      WHERE key_hash = ${claim.keyHash} AND request_id = ${claim.requestId} AND sealed_answer IS NULL`,
  );
}

/** Gives the key back: nothing was done, so the same request may be tried again. */
export async function releaseIdempotencyKey(database: Database, claim: IdempotencyClaim): Promise<void> {
  await database.query(
    sql`DELETE FROM control.idempotency_keys
      WHERE key_hash = ${claim.keyHash} AND request_id = ${claim.requestId} AND sealed_answer IS NULL`,
  );
}
