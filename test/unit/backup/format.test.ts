import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { chunkBytes } from "../../../core/backup/chunks.ts";
import type { RunningHash } from "../../../core/backup/frames.ts";
import { type BackupHeader, decodeHeader, encodeHeader, preambleBytes } from "../../../core/backup/header.ts";
import { type BackupEvent, openBackup } from "../../../core/backup/read.ts";
import { BackupRefused } from "../../../core/backup/refused.ts";
import { writeBackup } from "../../../core/backup/write.ts";
import { makeId } from "../../../core/ids.ts";

const newHash = (): RunningHash => {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("hex") };
};
const sealedChunkBytes = chunkBytes + 16;

function newHeader(changes: Partial<BackupHeader> = {}): BackupHeader {
  return {
    kind: "tenant",
    backup: makeId("backup", 1_790_000_000_000, randomBytes(10)),
    org: makeId("org", 1_790_000_000_000, randomBytes(10)),
    schema: 4,
    snapshot_at: "2026-11-22T12:00:00.000000Z",
    streams: [
      { name: "devices", columns: ["id", "name"] },
      { name: "empty", columns: ["id"] },
      { name: "telemetry", columns: ["id", "metrics"] },
    ],
    salt: randomBytes(32).toString("hex"),
    ...changes,
  };
}

/** Some 3.5 MiB that gzip can't make smaller, so that the file has four chunks. */
const noise = Array.from(
  { length: 4 },
  () =>
    `${randomBytes(Math.ceil(chunkBytes / 1.15))
      .toString("latin1")
      .replace(/[\n\\\t]/g, "x")}\n`,
);
const content: Record<string, string[]> = {
  devices: ["dev_1\tlaptop \\N\\n é\ndev_2\t\\N\n", "dev_3\t\n"],
  empty: [],
  telemetry: noise,
};

async function* lines(texts: readonly string[]): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const text of texts) yield Uint8Array.from(Buffer.from(text, text.length > 1000 ? "latin1" : "utf8"));
}

async function write(header: BackupHeader, key: Uint8Array, texts = content): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeBackup({ header, key, newHash, read: (stream) => lines(texts[stream] ?? []) })) {
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** In pieces whose ends are nobody's. */
async function* pieces(file: Uint8Array, size = 65_537): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}

async function read(file: Uint8Array, key: Uint8Array, size?: number): Promise<BackupEvent[]> {
  const events: BackupEvent[] = [];
  const opened = await openBackup(pieces(file, size));
  for await (const event of opened.events(key, newHash)) events.push(event);
  return events;
}

async function refusalOf(file: Uint8Array, key: Uint8Array): Promise<string> {
  try {
    await read(file, key);
  } catch (error) {
    if (error instanceof BackupRefused) return error.code;
    throw error;
  }
  return "taken";
}

const key = randomBytes(32);
const header = newHeader();
const file = await write(header, key);
const bodyAt = encodeHeader(header).length;
const chunksOf = (whole: Buffer): Buffer[] => {
  const found: Buffer[] = [];
  for (let at = bodyAt; at < whole.length; at += sealedChunkBytes)
    found.push(whole.subarray(at, at + sealedChunkBytes));
  return found;
};
const chunks = chunksOf(file);
const joined = (...parts: (Buffer | undefined)[]): Buffer =>
  Buffer.concat([file.subarray(0, bodyAt), ...parts.filter((part) => part !== undefined)]);

describe("a backup", () => {
  it("gives back every row of every stream, in order, whatever the pieces it arrives in", async () => {
    expect(chunks.length).toBeGreaterThanOrEqual(4);
    for (const size of [1000, 65_537, file.length]) {
      const found = new Map<string, Buffer[]>();
      for (const event of await read(file, key, size)) {
        if (event.kind === "begin") found.set(event.stream.name, []);
        if (event.kind === "rows") [...found.values()].at(-1)!.push(Buffer.from(event.lines));
      }
      expect([...found.keys()]).toEqual(["devices", "empty", "telemetry"]);
      expect(Buffer.concat(found.get("devices")!).toString()).toBe(content["devices"]!.join(""));
      expect(found.get("empty")).toEqual([]);
      expect(Buffer.concat(found.get("telemetry")!).equals(Buffer.from(noise.join(""), "latin1"))).toBe(true);
    }
  });

  it("counts and hashes each stream", async () => {
    const ends = (await read(file, key)).filter((event) => event.kind === "end");
    expect(ends.map(({ stream, rows }) => [stream.name, rows])).toEqual([
      ["devices", 3],
      ["empty", 0],
      ["telemetry", 4],
    ]);
    const sha256 = createHash("sha256").update(content["devices"]!.join("")).digest("hex");
    expect(ends[0]!.sha256).toBe(sha256);
  });

  it("shows nothing of its rows or of its key", async () => {
    const secret = { devices: ["dev_1\tthe name of a laptop that nobody shall read\n"] };
    const sealed = await write(header, key, secret);
    expect(sealed.includes("nobody shall read")).toBe(false);
    expect(sealed.includes(key)).toBe(false);
  });

  it("is another one each time: two of the same rows under the same key share no chunk", async () => {
    const again = await write(newHeader({ backup: header.backup, org: header.org }), key);
    expect(
      chunksOf(again).some((chunk) => chunks.some((other) => other.subarray(0, 64).equals(chunk.subarray(0, 64)))),
    ).toBe(false);
  });
});

describe("an altered backup", () => {
  const other = newHeader({ org: header.org, backup: header.backup });

  it.each<[string, () => Buffer | Promise<Buffer>]>([
    ["cut off at the end of a chunk", () => joined(...chunks.slice(0, -1))],
    ["cut off to its first chunk", () => joined(chunks[0])],
    ["cut off to its header", () => joined()],
    ["cut off inside of a chunk", () => file.subarray(0, bodyAt + sealedChunkBytes + 1000)],
    ["without its last byte", () => file.subarray(0, -1)],
    ["with two chunks exchanged", () => joined(chunks[1], chunks[0], ...chunks.slice(2))],
    ["with a chunk twice", () => joined(chunks[0], chunks[0], ...chunks.slice(1))],
    ["with its last chunk twice", () => joined(...chunks, chunks.at(-1))],
    ["without a chunk in its midst", () => joined(chunks[0], ...chunks.slice(2))],
    ["with a byte behind its end", () => Buffer.concat([file, Buffer.from([0])])],
    ["with the chunks of another backup under the same key", async () => joined(...chunksOf(await write(other, key)))],
    [
      "with one chunk of another backup under the same key",
      async () => joined(chunks[0], chunksOf(await write(other, key))[1], ...chunks.slice(2)),
    ],
    ["behind the header of another one", () => Buffer.concat([encodeHeader(other), ...chunks])],
    [
      "said to be of another organisation",
      () => Buffer.concat([encodeHeader({ ...header, org: newHeader().org }), ...chunks]),
    ],
    ["said to be of a later schema", () => Buffer.concat([encodeHeader({ ...header, schema: 5 }), ...chunks])],
    [
      "with two tables of its header exchanged",
      () => Buffer.concat([encodeHeader({ ...header, streams: header.streams.toReversed() }), ...chunks]),
    ],
  ])("%s is refused", async (_, alter) => {
    expect(await refusalOf(await alter(), key)).toBe("not_authentic");
  });

  it("is refused with any one bit changed", async () => {
    const small = await write(header, key, { devices: content["devices"]! });
    for (let bit = 0; bit < small.length * 8; bit += 13) {
      const changed = Buffer.from(small);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(await refusalOf(changed, key), `bit ${bit}`).not.toBe("taken");
    }
  });

  it("opens under no other key", async () => {
    const changed = Buffer.from(key);
    changed[31]! ^= 1;
    expect(await refusalOf(file, changed)).toBe("not_authentic");
    await expect(read(file, key.subarray(1))).rejects.toThrow(RangeError);
  });
});

describe("what is no backup", () => {
  const at9 = (length: number): Buffer => {
    const changed = Buffer.from(file);
    changed.writeUInt32BE(length, 9);
    return changed;
  };
  it.each<[string, () => Buffer, string]>([
    ["an empty file", () => Buffer.alloc(0), "not_a_backup"],
    ["another magic", () => Buffer.concat([Buffer.from("SNTLBKUX"), file.subarray(8)]), "not_a_backup"],
    [
      "a version of later",
      () => Buffer.concat([file.subarray(0, 8), Buffer.from([2]), file.subarray(9)]),
      "not_a_backup",
    ],
    ["a header said to have 4 GiB", () => at9(0xffff_ffff), "malformed_header"],
    ["a header longer than the file", () => at9(1024 * 1024).subarray(0, 3000), "malformed_header"],
    ["half a header", () => at9(bodyAt - preambleBytes - 7), "malformed_header"],
  ])("%s is refused before anything is decrypted", async (_, make, code) => {
    expect(await refusalOf(make(), key)).toBe(code);
  });

  it.each<[string, object]>([
    ["another member", { more: 1 }],
    ["no organisation", { org: null }],
    ["an organisation for the control plane", { kind: "control" }],
    ["a salt of another length", { salt: "00" }],
    ["two tables of one name", { streams: [header.streams[0], header.streams[0]] }],
    ["a time that is none", { snapshot_at: "yesterday" }],
    ["an id of another kind", { backup: header.org }],
  ])("a header with %s is refused", (_, change) => {
    const json = JSON.stringify({ ...header, ...change });
    expect(() => decodeHeader(Buffer.from(json))).toThrow(BackupRefused);
    expect(decodeHeader(Buffer.from(JSON.stringify(header)))).toEqual(header);
  });
});
