/** A key service that keeps its key in one file: what a customer may run, and what shows that the protocol is enough. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { base64url } from "jose";
import { isPurpose, KeyUnavailable, wrappedCharactersMax, wrappedKeyBytes } from "../../core/crypto/key-wrapper.ts";
import { createSentinelKeeper, type SentinelKeeper } from "../../core/crypto/sentinel-keeper.ts";
import { type OrgId, parseId } from "../../core/ids.ts";

export interface FileKeeperOptions {
  /**
   * Reads the file anew for each request, so that moving it away withdraws the key at once: its first line wraps
   * (32 bytes, base64url), a second one, if there is one, only unwraps. Null: there is none.
   */
  readonly readKeys: () => string | null;
  /** What Sentinel shows. */
  readonly token: string;
  /** Certificate and private key in PEM; null: plain HTTP, for loopback alone. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** One line a request: what was asked for and how it ended; no key and no token stands in it. */
  readonly log: (line: string) => void;
}

/** A wrapped key and its purpose in JSON are below 9 KiB. */
const bodyBytesMax = 16 * 1024;

type Outcome = readonly [status: number, body: Readonly<Record<string, unknown>>];

/** The server, not listening yet. Speaks what docs/runbooks/byok.md describes. */
export function createFileKeeper(options: FileKeeperOptions): Server {
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    void answer(options, incoming)
      .catch((): Outcome => [500, { error: "internal" }])
      .then(([status, body]) => {
        outgoing.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
        outgoing.end(JSON.stringify(body));
      });
  };
  return options.tls === null
    ? createHttpServer(handle)
    : createHttpsServer({ ...options.tls, minVersion: "TLSv1.2" }, handle);
}

async function answer(options: FileKeeperOptions, incoming: IncomingMessage): Promise<Outcome> {
  const verb = incoming.url?.split("/").at(-1);
  if (incoming.method !== "POST" || (verb !== "wrap" && verb !== "unwrap")) return [404, { error: "not_found" }];
  if (!isToken(incoming.headers.authorization, options.token)) return [401, { error: "unauthorised" }];
  const text = await readBody(incoming);
  const asked = text === null ? null : parseAsked(text);
  if (asked === null) return [400, { error: "malformed" }];
  const outcome = await perform(options, verb, asked);
  options.log(`${verb} ${asked.org} ${asked.purpose}: ${outcome[0]}`);
  return outcome;
}

async function perform(options: FileKeeperOptions, verb: "wrap" | "unwrap", asked: Asked): Promise<Outcome> {
  const keys = options.readKeys();
  if (keys === null) return [403, { error: "withdrawn" }];
  const keeper = await openKeeper(keys);
  const { org, purpose, key, wrapped } = asked;
  if (verb === "wrap") {
    const bytes = typeof key === "string" && /^[\w-]{43}$/.test(key) ? base64url.decode(key) : null;
    if (bytes?.length !== wrappedKeyBytes) return [400, { error: "malformed" }];
    return [200, { wrapped: await keeper.wrap(org, bytes, purpose) }];
  }
  if (typeof wrapped !== "string" || wrapped.length > wrappedCharactersMax) return [400, { error: "malformed" }];
  try {
    return [200, { key: base64url.encode(await keeper.unwrap(org, wrapped, purpose)) }];
  } catch (error) {
    if (error instanceof KeyUnavailable) return [403, { error: error.reason }];
    throw error;
  }
}

/** @throws Error when the file holds anything but one key or two */
export function openKeeper(keys: string): Promise<SentinelKeeper> {
  const [current = "", previous = null, ...rest] = keys.trim().split(/\r?\n/);
  if (rest.length > 0) throw new Error("the file holds more than two keys");
  return createSentinelKeeper(current, previous, (length) => Uint8Array.from(randomBytes(length)));
}

interface Asked {
  readonly org: OrgId;
  readonly purpose: string;
  readonly key: unknown;
  readonly wrapped: unknown;
}

function parseAsked(text: string): Asked | null {
  try {
    const { version, org, purpose, key, wrapped } = JSON.parse(text) as Record<string, unknown>;
    const parsed = parseId("org", org);
    if (version !== 1 || parsed === null || typeof purpose !== "string" || !isPurpose(purpose)) return null;
    return { org: parsed, purpose, key, wrapped };
  } catch {
    return null;
  }
}

/** Digests have one length, so the time says nothing about how near a guess was. */
function isToken(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(header ?? ""), digest(`Bearer ${token}`));
}

async function readBody(incoming: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
