/** A log read from its address, `https://HOST/api/v1/orgs/ORG/audit`: a prefix as C2SP tlog-tiles means it. */
import { setTimeout as delay } from "node:timers/promises";
import type { KeptLeaf } from "../../../core/audit/leaf-judge.ts";
import { formatTilePath, tilesOfLevel } from "../../../core/audit/tile-path.ts";
import { tileWidth } from "../../../core/audit/tree.ts";
import { CliError } from "../cli-error.ts";
import { leavesOfBundle } from "./entry-bundle.ts";
import type { LogShown } from "./shown-log.ts";

/** How long one answer may take, in milliseconds. */
const answerMsMax = 30_000;
/** Bytes of one answer: 256 leaves of at most 64 KiB. */
const answerBytesMax = 17 * 1024 * 1024;
/** Waits for a rate limit before giving up; each is a minute at most. */
const waitsMax = 30;
const waitSecondsMax = 60;

/** Null for an address that the key may go to: encrypted, or on this machine. Else what is wrong with it. */
export function refuseLogAddress(value: string): string | null {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) return "is not an address";
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    return "holds more than the address of a log";
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  return url.protocol === "https:" || isLocal ? null : "is not encrypted: the key would be readable on its way";
}

/**
 * @param prefix the log's address
 * @param key an API key or access token of whoever may read the log
 * @throws CliError `unreachable`, `refused`, `no_checkpoint`
 */
export async function readLogAt(prefix: string, key: string): Promise<LogShown> {
  const read = reader(prefix.replace(/\/$/, ""), key);
  const status = JSON.parse(Buffer.from(await read("status")).toString("utf8")) as {
    checkpoint: { keys: string[]; cosigned?: { checkpoint: string }[] } | null;
  };
  if (status.checkpoint === null)
    throw new CliError(
      "no_checkpoint",
      "the log has no checkpoint yet; it makes one within a minute of its first entry",
    );
  const checkpoint = Buffer.from(await read("checkpoint")).toString("utf8");
  const size = Number(checkpoint.split("\n")[1]);
  if (!Number.isSafeInteger(size) || size < 1) throw new CliError("refused", "the log shows no checkpoint");
  const tiles: Uint8Array[] = [];
  for (const tile of tilesOfLevel(0, size)) tiles.push(await read(`tile/${formatTilePath(tile)}`));
  const hashes = new Uint8Array(Buffer.concat(tiles));
  const { keys, cosigned = [] } = status.checkpoint;
  const notes = cosigned.map((note) => note.checkpoint);
  return { keys, checkpoint, cosigned: notes, hashes, leaves: bundles(read, size) };
}

async function* bundles(read: (path: string) => Promise<Uint8Array>, size: number): AsyncGenerator<KeptLeaf> {
  for (const tile of tilesOfLevel("entries", size)) {
    yield* leavesOfBundle(Buffer.from(await read(`tile/${formatTilePath(tile)}`)), tile.index * tileWidth);
  }
}

function reader(prefix: string, key: string): (path: string) => Promise<Uint8Array> {
  return async (path) => {
    for (let wait = 0; ; wait += 1) {
      const response = await fetch(`${prefix}/${path}`, {
        headers: { Authorization: `Bearer ${key}` },
        // The key goes to the named host and to no other that it may point at.
        redirect: "error",
        signal: AbortSignal.timeout(answerMsMax),
      }).catch((error: unknown) => {
        const { cause, message } = error as Error;
        const reason = (cause as { code?: string } | undefined)?.code ?? message;
        throw new CliError("unreachable", `${new URL(prefix).origin} does not answer (${reason})`);
      });
      if (response.status === 429 && wait < waitsMax) {
        const seconds = Number(response.headers.get("Retry-After") ?? 1);
        await response.body?.cancel();
        await delay(1000 * Math.min(waitSecondsMax, Math.max(1, seconds || 1)));
        continue;
      }
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.status === 200 && bytes.length <= answerBytesMax) return bytes;
      throw new CliError("refused", `${path.split("?")[0]} was answered with ${response.status}${codeOf(bytes)}`);
    }
  };
}

/** The code of a problem document, as far as it is one. */
function codeOf(bytes: Uint8Array): string {
  const [, code] = /"code":"([a-z_]{1,40})"/.exec(Buffer.from(bytes.subarray(0, 4096)).toString("utf8")) ?? [];
  return code === undefined ? "" : ` ${code}`;
}
