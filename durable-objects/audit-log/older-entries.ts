import type { AuditEntry, AuditFields } from "../../core/audit/events.ts";
import { actorOf, addressOf, facetsOf, targetOf } from "../../core/audit/facets.ts";
import { hex, leafHash } from "../../core/audit/leaf.ts";
import type { LogName } from "../../core/audit/logs.ts";
import { tileWidth } from "../../core/audit/tree.ts";
import { makeId } from "../../core/ids.ts";
import type { SignedCall } from "../../core/mesh/claims.ts";
import { type AuditSinkRpc, type OlderEntry, type OlderQuery, olderEntriesMax } from "../../core/rpc/data.ts";
import type { AuditFilter } from "../../core/rpc/durable-objects.ts";
import { sha256 } from "../sha256.ts";
import { type CopyBucket, getBytes, tileName } from "./copy-bucket.ts";
import { LeafTiles } from "./leaf-tiles.ts";
import type { PersonalFields } from "./personal-fields.ts";

/** Somebody changed what was signed: nothing of it is shown. */
export class OlderDiffers extends Error {
  override readonly name = "OlderDiffers";
}

export interface OlderSources {
  readonly sink: Pick<AuditSinkRpc, "older">;
  readonly call: (log: LogName, requestId: string) => Promise<SignedCall>;
  readonly bucket: CopyBucket;
}

/**
 * Entries that are here as hashes alone, read from Postgres (or, their leaves alone, from the bucket), and held against
 * those hashes: what is not what was signed is an error and no entry.
 */
export class OlderEntries {
  readonly #tiles: LeafTiles;
  readonly #fields: PersonalFields;
  readonly #sources: OlderSources;

  constructor(sql: SqlStorage, fields: PersonalFields, sources: OlderSources) {
    this.#tiles = new LeafTiles(sql);
    this.#fields = fields;
    this.#sources = sources;
  }

  /** How many there are: the numbers from 1 on. */
  count(): number {
    return this.#tiles.entries();
  }

  /**
   * A page of those that match, newest first.
   * @throws OlderDiffers, and what the sink throws
   */
  async page(log: LogName, filter: AuditFilter): Promise<{ items: AuditEntry[]; nextBeforeSeq: number | null }> {
    const before = Math.min(filter.beforeSeq ?? Number.MAX_SAFE_INTEGER, this.count() + 1);
    const { type, fromMs, toMs } = filter;
    const isPlain = matchers(filter).length === 0;
    // One that looks further looks at a bounded number, and says where to go on.
    const limit = isPlain ? filter.limit + 1 : olderEntriesMax;
    const rows = await this.#read(log, { log, from: 1, before, type, fromMs, toMs, limit });
    const items: AuditEntry[] = [];
    for (const row of rows) {
      const entry = this.#open(log, row);
      if (!matchers(filter).every((matches) => matches(entry))) continue;
      if (items.length === filter.limit) return { items, nextBeforeSeq: items.at(-1)?.seq ?? null };
      items.push(entry);
    }
    return { items, nextBeforeSeq: rows.length < limit ? null : (rows.at(-1)?.seq ?? null) };
  }

  /** The leaves of one whole tile, from the bucket or, where that has none, from Postgres; null where neither has it. */
  async leaves(log: LogName, index: number): Promise<string[] | null> {
    return (await this.#fromBucket(log, index)) ?? (await this.#fromPostgres(log, index));
  }

  async #fromBucket(log: LogName, index: number): Promise<string[] | null> {
    const { bucket } = this.#sources;
    const name = tileName(log, { level: "entries", index, width: tileWidth });
    const bytes = await getBytes(bucket, name).catch(() => null);
    if (bytes === null) return null;
    const leaves = leavesOf(Buffer.from(bytes));
    // Another than was signed is none; Postgres may still have it.
    return leaves !== null && this.#isSigned(index, leaves) ? leaves : null;
  }

  async #fromPostgres(log: LogName, index: number): Promise<string[] | null> {
    const [from, before] = [index * tileWidth + 1, (index + 1) * tileWidth + 1];
    const all = { type: null, fromMs: null, toMs: null, limit: tileWidth };
    const leaves = (await this.#read(log, { log, from, before, ...all })).map(({ leafJson }) => leafJson).reverse();
    return leaves.length === tileWidth && this.#isSigned(index, leaves) ? leaves : null;
  }

  async #read(log: LogName, query: OlderQuery): Promise<readonly OlderEntry[]> {
    const requestId = makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    return await this.#sources.sink.older(await this.#sources.call(log, requestId), query);
  }

  #isSigned(index: number, leaves: readonly string[]): boolean {
    const signed = this.#tiles.read(index * tileWidth, (index + 1) * tileWidth);
    return (
      leaves.length === signed.length &&
      signed.every((hash, place) => leafHash(leaves[place] ?? "", sha256) === hex(hash))
    );
  }

  #open(log: LogName, { seq, leafJson, sealed }: OlderEntry): AuditEntry {
    const [signed] = this.#tiles.read(seq - 1, seq);
    const hash = leafHash(leafJson, sha256);
    if (signed === undefined || hash !== hex(signed)) throw new OlderDiffers(`entry ${seq} is not what was signed`);
    const { event: committed, ...rest } = JSON.parse(leafJson) as Omit<AuditEntry, "leaf_hash">;
    const bare = Object.entries(committed).map(([field, value]) => [field, isCommitment(value) ? null : value]);
    const known = Object.entries(this.#fields.open({ log, seq }, sealed)).map(([field, { value }]) => [field, value]);
    return { ...rest, event: Object.fromEntries([...bare, ...known]) as AuditFields, leaf_hash: hash };
  }
}

/** As the index of newer ones finds them; `type` is Postgres's own. */
function matchers(filter: AuditFilter): ((entry: AuditEntry) => boolean)[] {
  const { actor, target = null, address = null, document = null, country = null, outcome = null } = filter;
  const found: ((entry: AuditEntry) => boolean)[] = [];
  if (actor !== null) found.push(({ event }) => actorOf(event) === actor);
  if (target !== null) found.push(({ event }) => targetOf(event) === target);
  if (address !== null) found.push(({ event }) => addressOf(event) === address);
  for (const [name, value] of [
    ["document", document],
    ["country", country],
    ["outcome", outcome],
  ] as const) {
    if (value !== null) found.push((entry) => facetsOf(entry).some((facet) => facet[0] === name && facet[1] === value));
  }
  return found;
}

const isCommitment = (value: unknown): boolean => typeof value === "object" && value !== null && "sha256" in value;

/** A bundle's leaves; null for what is none. */
function leavesOf(bundle: Buffer): string[] | null {
  const leaves: string[] = [];
  for (let at = 0; at < bundle.length; ) {
    const end = at + 2 + (at + 2 <= bundle.length ? bundle.readUInt16BE(at) : Number.POSITIVE_INFINITY);
    if (end > bundle.length) return null;
    leaves.push(bundle.toString("utf8", at + 2, end));
    at = end;
  }
  return leaves;
}
