/** One run: an organisation → an object in the bucket, read again. */

import type { BackupHeader } from "../../../core/backup/header.ts";
import { hubLines } from "../../../core/backup/hub-lines.ts";
import { fromStream } from "../../../core/backup/pipe.ts";
import { openBackup } from "../../../core/backup/read.ts";
import { BackupRefused } from "../../../core/backup/refused.ts";
import { auditStream, hubStream, partitionStream } from "../../../core/backup/streams.ts";
import { type Lines, writeBackup } from "../../../core/backup/write.ts";
import { KeyUnavailable, type KeyWrapper } from "../../../core/crypto/key-wrapper.ts";
import type { BackupId, OrgId } from "../../../core/ids.ts";
import type { BackupFailure, BackupOrder, MadeBackup } from "../../../core/rpc/backups.ts";
import type { HubExport } from "../../../core/rpc/hub-backup.ts";
import { controlStreams } from "../../../store/control/backup-rows.ts";
import { CatalogueRefused } from "../../../store/tenant/backup-catalogue.ts";
import { type BackupSnapshot, ScopeLost } from "../../../store/tenant/backup-snapshot.ts";
import { type BackupBucket, newSha256, objectName, putWhole, type WrittenObject } from "./bucket.ts";

/** How long and how much one run may read. */
export interface RunLimits {
  readonly runMs: number;
  /** Of the tables on disk. */
  readonly bytes: number;
}

/**
 * A run lives inside of a clock's invocation, which ends after fifteen minutes; reading the object again is the last
 * third. And it may use five minutes of CPU (wrangler.toml), of which gzip, SHA-256 and AES take some 60 ms a MiB.
 */
export const runLimits: RunLimits = { runMs: 8 * 60_000, bytes: 2 * 1024 ** 3 };

/** Between two words to the caller: a run that is not heard of for minutes counts as dead. */
const beatMs = 2_000;

export const keyPurpose = (backup: BackupId): string => `backup:${backup}`;

/** No backup was made, for a reason that has a name. */
export class RunRefused extends Error {
  override readonly name = "RunRefused";
  readonly code: BackupFailure;

  constructor(code: BackupFailure) {
    super(`no backup was made: ${code}`);
    this.code = code;
  }
}

/** What a run may ask for, each for its own organisation. */
export interface Run {
  readonly org: OrgId;
  readonly order: BackupOrder;
  readonly limits: RunLimits;
  readonly bucket: BackupBucket;
  readonly wrapper: KeyWrapper;
  readonly openSnapshot: () => Promise<BackupSnapshot>;
  readonly hub: {
    begin(): Promise<HubExport>;
    /** @throws Error when the copy is gone */
    read(which: string, object: string, page: number): Promise<Uint8Array>;
    end(which: string): Promise<void>;
  };
  readonly readAudit: (after: number) => Promise<{ readonly lines: string; readonly last: number | null }>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
}

/**
 * Makes a backup. The tables are of one moment; what the audit log, the control plane and the hub hold is of a moment
 * right after it, so an event may be in the log whose change is not in the tables, and never the other way round.
 * @throws RunRefused; DatabaseError, and what a binding throws. Nothing stays then.
 */
export async function makeBackup(run: Run): Promise<MadeBackup> {
  const { org, order, bucket } = run;
  const key = run.randomBytes(32);
  try {
    // First: whose keeper is away is read for nothing.
    const wrappedKey = await run.wrapper.wrap(org, key, keyPurpose(order.backup));
    const { header, written } = await write(run, key);
    const rows = await readBack(bucket, objectName(org, order.backup), key, written);
    return { wrappedKey, schema: header.schema, snapshotAt: header.snapshot_at, rows, ...written };
  } catch (error) {
    // A part that was completed, and then was not what it should be, is not left behind either.
    await bucket.delete(objectName(org, order.backup)).catch(() => undefined);
    throw refusalOf(error);
  } finally {
    key.fill(0);
  }
}

async function write(
  run: Run,
  key: Uint8Array<ArrayBuffer>,
): Promise<{ header: BackupHeader; written: WrittenObject }> {
  const { org, order, limits } = run;
  const endsAtMs = run.now() + limits.runMs;
  const snapshot = await run.openSnapshot();
  try {
    if (snapshot.bytesEstimated > limits.bytes) throw new RunRefused("too_large");
    const control = await order.controlLines();
    const hub = await hubCopy(run);
    try {
      const { catalogue } = snapshot;
      const header: BackupHeader = {
        kind: "tenant",
        backup: order.backup,
        org,
        schema: catalogue.schema,
        snapshot_at: snapshot.at,
        streams: [
          partitionStream,
          ...catalogue.tables,
          ...controlStreams.map(({ name, columns }) => ({ name, columns })),
          auditStream,
          hubStream,
        ],
        salt: Buffer.from(run.randomBytes(32)).toString("hex"),
      };
      const linesOf = (stream: string): Lines => {
        if (stream === partitionStream.name)
          return oneText(
            catalogue.partitions.map(({ parent, name, from, to }) => `${parent}\t${name}\t${from}\t${to}\n`).join(""),
          );
        if (stream === auditStream.name) return auditLines(run);
        if (stream === hubStream.name) return hubLines(hub, (object, page) => run.hub.read(hub.export, object, page));
        return stream.startsWith("$") ? oneText(controlOf(control, stream)) : snapshot.readTable(stream);
      };
      const beat = createBeat(run, snapshot.bytesEstimated, endsAtMs);
      const read = (stream: string): Lines => beating(linesOf(stream), beat);
      const bytes = writeBackup({ header, key, read, newHash: newSha256 });
      return { header, written: await putWhole(run.bucket, objectName(org, order.backup), bytes) };
    } finally {
      // The hub forgets a copy by itself as well.
      await run.hub.end(hub.export).catch(() => undefined);
    }
  } finally {
    await snapshot.close();
  }
}

/** Copied now, so that it is of the moment of the snapshot as nearly as can be. */
async function hubCopy({ hub }: Run): Promise<HubExport> {
  try {
    return await hub.begin();
  } catch (cause) {
    throw Object.assign(new RunRefused("hub_unavailable"), { cause });
  }
}

/** Counts what was read, says so now and then, and stops when it is told to or the time is over. */
function createBeat({ order, now }: Run, bytesEstimated: number, endsAtMs: number): (read: number) => Promise<void> {
  let [bytes, saidAtMs] = [0, 0];
  return async (read) => {
    bytes += read;
    if (now() > endsAtMs) throw new RunRefused("out_of_time");
    if (now() - saidAtMs < beatMs) return;
    saidAtMs = now();
    if (!(await order.onProgress({ bytes, bytesEstimated }))) throw new RunRefused("stopped");
  };
}

async function* beating(lines: Lines, beat: (read: number) => Promise<void>): Lines {
  for await (const piece of lines) {
    await beat(piece.length);
    yield piece;
  }
}

async function* oneText(text: string): Lines {
  if (text !== "") yield bytesOf(text);
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

function controlOf(lines: Readonly<Record<string, string>>, stream: string): string {
  const found = lines[stream];
  if (found === undefined) throw new Error("a stream of the control plane was not given");
  return found;
}

async function* auditLines({ readAudit }: Run): Lines {
  for (let after: number | null = 0; after !== null; ) {
    const page: { readonly lines: string; readonly last: number | null } = await readAudit(after);
    if (page.lines !== "") yield bytesOf(page.lines);
    after = page.last;
  }
}

/**
 * Reads the object from beginning to end: a backup that nobody has read is none.
 * @returns its rows @throws RunRefused `not_whole`
 */
async function readBack(
  bucket: BackupBucket,
  name: string,
  key: Uint8Array<ArrayBuffer>,
  written: WrittenObject,
): Promise<number> {
  const object = await bucket.get(name);
  if (object === null || object.size !== written.bytes) throw new RunRefused("not_whole");
  const hash = newSha256();
  let rows = 0;
  const opened = await openBackup(hashed(fromStream(object.body), hash));
  for await (const event of opened.events(key, newSha256)) if (event.kind === "end") rows += event.rows;
  if (hash.digest() !== written.sha256) throw new RunRefused("not_whole");
  return rows;
}

async function* hashed(
  source: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof newSha256>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    hash.update(piece);
    yield piece;
  }
}

/** Errors whose kind is a reason; others stay what they are. */
function refusalOf(error: unknown): unknown {
  const named = (code: BackupFailure): RunRefused => Object.assign(new RunRefused(code), { cause: error });
  if (error instanceof CatalogueRefused) return named(error.code);
  if (error instanceof ScopeLost) return named("scope_lost");
  if (error instanceof KeyUnavailable) return named("key_unavailable");
  if (error instanceof BackupRefused) return named("not_whole");
  return error;
}
