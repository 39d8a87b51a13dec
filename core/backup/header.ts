/**
 * What stands in front of a backup, readable without its key and authenticated by it: every chunk is sealed under
 * a key that is derived from these very bytes (chunks.ts).
 *
 *   offset 0   magic "SNTLBKUP"
 *          8   version, one byte
 *          9   length of the header, 32 bits, big endian
 *         13   the header, RFC 8785 canonical JSON
 *          …   chunks
 */
import canonicalize from "canonicalize";
import { type BackupId, type OrgId, parseId } from "../ids.ts";
import { BackupRefused } from "./refused.ts";

/** `tenant`: one organisation. `control`: the control plane, which belongs to nobody. */
export type BackupKind = "tenant" | "control";

/** A table, or what is as good as one. */
export interface StreamDescription {
  readonly name: string;
  /** In the order of the rows' fields. */
  readonly columns: readonly string[];
}

export interface BackupHeader {
  readonly kind: BackupKind;
  /** Names the key, too: what opens it is kept under this id, and not here. */
  readonly backup: BackupId;
  /** Whose it is; null for the control plane's. */
  readonly org: OrgId | null;
  /** Number of the newest migration of the schema that the rows are of. */
  readonly schema: number;
  /** RFC 3339: of which moment the rows are. */
  readonly snapshot_at: string;
  /** In the order in which they are restored: what is referenced comes first. */
  readonly streams: readonly StreamDescription[];
  /** 32 random bytes, hex: salt of the key that seals the chunks, so that no two files are sealed under one. */
  readonly salt: string;
}

export const magic = "SNTLBKUP";
export const formatVersion = 1;
/** Magic, version and length. */
export const preambleBytes = 13;
/** A schema of a thousand tables of thirty columns is a third of it; read before anything is authenticated. */
export const headerBytesMax = 1024 * 1024;

const utf8 = new TextEncoder();

/** Preamble and header. @throws RangeError when it is longer than a reader takes */
export function encodeHeader(header: BackupHeader): Uint8Array<ArrayBuffer> {
  const json = canonicalize(header);
  if (json === undefined) throw new TypeError("a header is an object");
  const body = utf8.encode(json);
  if (body.length > headerBytesMax) throw new RangeError("too many tables for one header");
  const bytes = new Uint8Array(preambleBytes + body.length);
  bytes.set(utf8.encode(magic));
  bytes[8] = formatVersion;
  new DataView(bytes.buffer).setUint32(9, body.length);
  bytes.set(body, preambleBytes);
  return bytes;
}

/** The header's length that a preamble tells. @throws BackupRefused */
export function headerLength(preamble: Uint8Array): number {
  const begins = new TextDecoder("latin1").decode(preamble.subarray(0, magic.length));
  if (preamble.length < preambleBytes || begins !== magic) {
    throw new BackupRefused("not_a_backup", "this is not a backup of Sentinel's");
  }
  if (preamble[8] !== formatVersion) {
    throw new BackupRefused("not_a_backup", `format version ${preamble[8]} is not known to this program`);
  }
  const length = new DataView(preamble.buffer, preamble.byteOffset).getUint32(9);
  if (length > headerBytesMax) throw new BackupRefused("malformed_header", "the header is longer than one can be");
  return length;
}

/**
 * Reads a header. It is not authentic before the first chunk was opened.
 * @throws BackupRefused
 */
export function decodeHeader(bytes: Uint8Array): BackupHeader {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new BackupRefused("malformed_header", "the header is not JSON");
  }
  const header = value as BackupHeader;
  if (!isHeader(header)) throw new BackupRefused("malformed_header", "the header lacks what one has");
  return header;
}

const memberNames = ["backup", "kind", "org", "salt", "schema", "snapshot_at", "streams"].join();

function isHeader(value: unknown): value is BackupHeader {
  if (typeof value !== "object" || value === null || Object.keys(value).sort().join() !== memberNames) return false;
  const { kind, backup, org, schema, snapshot_at: at, streams, salt } = value as Record<keyof BackupHeader, unknown>;
  const isOwned = kind === "tenant" ? parseId("org", org) !== null : kind === "control" && org === null;
  return (
    isOwned &&
    parseId("backup", backup) !== null &&
    Number.isSafeInteger(schema) &&
    typeof at === "string" &&
    !Number.isNaN(Date.parse(at)) &&
    typeof salt === "string" &&
    /^[0-9a-f]{64}$/.test(salt) &&
    Array.isArray(streams) &&
    streams.every(isStream) &&
    new Set(streams.map(({ name }) => name)).size === streams.length
  );
}

function isStream(value: unknown): value is StreamDescription {
  if (typeof value !== "object" || value === null) return false;
  const { name, columns } = value as Record<keyof StreamDescription, unknown>;
  return typeof name === "string" && Array.isArray(columns) && columns.every((column) => typeof column === "string");
}
