import type { UserId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { instant } from "./columns.ts";
import { type Credentials, credentialsRow, credentialsStatement } from "./users.ts";

/** One thing that attempts are counted by, and how much it slows them down. */
export interface AttemptBucket {
  /** Keyed hash, lower-case hex. */
  readonly keyHash: string;
  /** Attempts in a row that are not slowed: a person's own mistakes, and sign-ins of one account at once. */
  readonly freeAttempts: number;
  /** Longest wait between two attempts, in milliseconds. */
  readonly delayMsMax: number;
}

export interface NewAttempt {
  readonly nowMs: number;
  /** Whose account is tried: by address where nobody is known yet. */
  readonly account: { readonly email: string } | { readonly user: UserId };
  /** What counts for a stranger's browser. All of them are counted, the strictest decides. */
  readonly buckets: readonly AttemptBucket[];
  /** A browser that has signed in as this person before: if the account is theirs, it alone counts. */
  readonly device: { readonly user: UserId; readonly bucket: AttemptBucket } | null;
}

export type AttemptAdmission = {
  /** Of the address that was tried, whether it is admitted or not; null: nobody has it, or none was named. */
  readonly credentials: Credentials | null;
} & (
  | { readonly kind: "admitted"; readonly keyHashes: readonly string[] }
  | { readonly kind: "throttled"; readonly untilMs: number }
);

/** After so long without an attempt a key starts anew, in milliseconds: slower than the longest wait allows anyway. */
const forgottenMs = 3600_000;
/** The first wait, in milliseconds; each further one is twice as long. */
const delayMsMin = 1000;
/** Not the present moment: of attempts at once, one that began a moment earlier would find it in its future. */
const noWait = sql`'-infinity'::timestamptz`;
/** Expired rows that one attempt sweeps away, so that the table stays as small as its traffic. */
const sweptMax = 20;

/**
 * Counts an attempt before it is made, or refuses it. In one statement that locks the rows in the order of
 * their keys: of attempts at the same moment one is let through, so that a burst is no way round the wait.
 * What the proof will be compared with is read in the same round trip, and the same for whoever has to wait.
 */
export async function admitAttempt(database: Database, attempt: NewAttempt): Promise<AttemptAdmission> {
  const { nowMs, device, account } = attempt;
  const now = instant(nowMs);
  const wanted = [
    ...attempt.buckets.map((bucket) => ({ ...bucket, ofDevice: false })),
    ...(device === null ? [] : [{ ...device.bucket, ofDevice: true }]),
  ].map((bucket) => ({
    key_hash: bucket.keyHash,
    free: bucket.freeAttempts,
    ms_max: bucket.delayMsMax,
    of_device: bucket.ofDevice,
  }));
  const isDevicesOwn =
    "email" in account
      ? sql`EXISTS (SELECT FROM control.users WHERE id = ${device?.user ?? null}::text AND email = ${account.email})`
      : sql`${device?.user === account.user}::boolean`;
  const [, rows, people = []] = await database.transaction([
    sql`DELETE FROM control.sign_in_failures WHERE key_hash IN (SELECT key_hash FROM control.sign_in_failures
      WHERE expires_at < ${now}::timestamptz LIMIT ${sweptMax} FOR UPDATE SKIP LOCKED)`,
    sql`WITH wanted AS (
        SELECT key_hash, free, ms_max FROM jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb)
          AS w (key_hash text, free integer, ms_max integer, of_device boolean)
        WHERE of_device = ${isDevicesOwn}),
      held AS (
        SELECT f.key_hash, f.blocked_until FROM control.sign_in_failures f
        WHERE f.key_hash IN (SELECT key_hash FROM wanted) ORDER BY f.key_hash FOR UPDATE),
      wait AS (SELECT max(blocked_until) AS until FROM held WHERE blocked_until > ${now}::timestamptz),
      counted AS (
        INSERT INTO control.sign_in_failures AS f (key_hash, failures, blocked_until, expires_at)
        SELECT key_hash, 1, ${noWait}, ${instant(nowMs + forgottenMs)}::timestamptz FROM wanted
        WHERE (SELECT until FROM wait) IS NULL ORDER BY key_hash
        ON CONFLICT (key_hash) DO UPDATE SET
          failures = CASE WHEN f.expires_at < ${now}::timestamptz THEN 1 ELSE f.failures + 1 END,
          blocked_until = CASE WHEN f.expires_at < ${now}::timestamptz THEN ${noWait} ELSE
            (SELECT CASE WHEN f.failures < w.free THEN ${noWait} ELSE ${now}::timestamptz + interval '1 millisecond'
                * least(w.ms_max, ${delayMsMin}::integer * power(2, least(f.failures - w.free, 20))) END
              FROM wanted w WHERE w.key_hash = excluded.key_hash) END,
          expires_at = excluded.expires_at
        RETURNING key_hash)
      SELECT (SELECT extract(epoch FROM until) * 1000 FROM wait)::float8 AS until_ms,
        coalesce((SELECT json_agg(key_hash) FROM counted), '[]')::text AS key_hashes`,
    ...("email" in account ? [credentialsStatement(account.email)] : []),
  ]);
  const credentials = credentialsRow(people);
  const row = rows?.[0] ?? {};
  const until = row["until_ms"];
  if (typeof until === "number") return { kind: "throttled", untilMs: until, credentials };
  const keyHashes: unknown = JSON.parse(String(row["key_hashes"]));
  if (!Array.isArray(keyHashes) || keyHashes.length === 0) throw new TypeError("an attempt was counted nowhere");
  return { kind: "admitted", keyHashes: keyHashes.map(String), credentials };
}

/**
 * After an attempt that was right, or was not made: rows of `clear` start anew, rows of `giveBack` lose
 * this one attempt and the wait that it began.
 */
export async function settleAttempt(
  database: Database,
  settled: { readonly clear: readonly string[]; readonly giveBack: readonly string[] },
): Promise<void> {
  const keys = (list: readonly string[]) => sql`(SELECT jsonb_array_elements_text(${JSON.stringify(list)}::jsonb))`;
  await database.query(
    sql`WITH held AS (
        SELECT key_hash FROM control.sign_in_failures
        WHERE key_hash IN ${keys([...settled.clear, ...settled.giveBack])} ORDER BY key_hash FOR UPDATE),
      cleared AS (
        DELETE FROM control.sign_in_failures
        WHERE key_hash IN (SELECT key_hash FROM held) AND key_hash IN ${keys(settled.clear)})
      UPDATE control.sign_in_failures SET failures = greatest(failures - 1, 0), blocked_until = ${noWait}
      WHERE key_hash IN (SELECT key_hash FROM held) AND key_hash IN ${keys(settled.giveBack)}`,
  );
}
