import { beforeAll, describe, expect, it } from "vitest";
import { originOf } from "../../../core/audit/checkpoint.ts";
import { checkEntry, type ShownEntry, type ShownProof } from "../../../core/audit/entry-proof.ts";
import type { AuditFields } from "../../../core/audit/events.ts";
import { leafHash, leafJson, type UnhashedEntry } from "../../../core/audit/leaf.ts";
import { toBase64 } from "../../../core/audit/signed-note.ts";
import { inclusionProof } from "../../../core/audit/tree.ts";
import { makeId } from "../../../core/ids.ts";
import { sha256 as inBrowser } from "../../../workers/dashboard/src/pages/audit/proof/sha256.ts";
import { keyName, witnessState } from "../../../workers/dashboard/src/pages/audit/witnesses/witness-state.ts";
import { type LogSigningKey, newLogKey, SignedLog, sha256 } from "../../support/signed-log.ts";

const id = (kind: "org" | "user" | "request") => makeId(kind, Date.now(), crypto.getRandomValues(new Uint8Array(10)));
let key: LogSigningKey;
let stranger: LogSigningKey;
let entries: ShownEntry[];
let log: SignedLog;

beforeAll(async () => {
  key = await newLogKey(originOf("https://sentinel.test", id("org") as never));
  stranger = await newLogKey(key.verifier.name);
  log = new SignedLog(key, 0);
  entries = Array.from({ length: 300 }, (_, index) => write(index + 1));
});

/** An entry as the log writes and shows it. */
function write(seq: number): ShownEntry {
  const event = { type: "role_change", admin_id: id("user"), target_user_id: null, old_role: "viewer", new_role: null };
  const unhashed = {
    version: 1,
    log: "x",
    seq,
    at: new Date(1_700_000_000_000 + seq).toISOString(),
    request_id: id("request"),
    phase: "event",
    intent_seq: null,
    result: null,
    event: event as unknown as AuditFields,
  } as UnhashedEntry;
  const leaf = leafJson(unhashed, { admin_id: new Uint8Array(16).fill(seq % 256) }, sha256);
  log.leaves.push(leaf);
  return { ...unhashed, event, leaf_hash: leafHash(leaf, sha256) } as unknown as ShownEntry;
}

async function proofOf(seq: number, of = log, by = key): Promise<ShownProof> {
  const { hashes, leaves } = of;
  const read = (level: number, from: number, to: number) => (level === 0 ? hashes.slice(from, to) : []);
  const small = new SignedLog(key, 0);
  small.leaves.push(...leaves);
  return {
    seq,
    size: leaves.length,
    leaf: leaves[seq - 1] ?? "",
    hashes: inclusionProof(level256(hashes, read), seq - 1, leaves.length, sha256).map(toBase64),
    checkpoint: await small.checkpoint(leaves.length, by),
  };
}
/** Hashes of full tiles too, which the tree asks for where it is larger than one. */
function level256(hashes: readonly Uint8Array[], leavesOf: (level: number, from: number, to: number) => Uint8Array[]) {
  return (level: number, from: number, to: number): Uint8Array[] => {
    if (level === 0) return leavesOf(0, from, to);
    const roots = Array.from({ length: Math.floor(hashes.length / 256) }, (_, tile) => {
      let row: Uint8Array[] = hashes.slice(tile * 256, (tile + 1) * 256);
      while (row.length > 1)
        row = Array.from({ length: row.length / 2 }, (__, pair) =>
          sha256(new Uint8Array([1]), row[2 * pair] as Uint8Array, row[2 * pair + 1] as Uint8Array),
        );
      return row[0] as Uint8Array;
    });
    return roots.slice(from, to);
  };
}

const check = (entry: ShownEntry, proof: ShownProof, keys = [key.verifier]) =>
  checkEntry(entry, proof, keys, inBrowser);
const entryAt = (seq: number): ShownEntry => entries[seq - 1] as ShownEntry;

describe("an entry that is checked where it is shown", () => {
  it("is proved when it is the one that was signed, and names what is only committed to", async () => {
    for (const seq of [1, 2, 255, 256, 257, 300]) {
      const verdict = await check(entryAt(seq), await proofOf(seq));
      expect(verdict).toMatchObject({ kind: "proved", head: { size: 300 }, committed: ["admin_id"] });
    }
    // Erased since: the commitment stays and the value is gone.
    const erased = { ...entryAt(7), event: { ...entryAt(7).event, admin_id: null } };
    expect(await check(erased, await proofOf(7))).toMatchObject({ kind: "proved" });
  });

  it.each<[string, (entry: ShownEntry) => Partial<ShownEntry>]>([
    ["its number", () => ({ seq: 8 })],
    ["its time", () => ({ at: new Date().toISOString() })],
    ["its request", () => ({ request_id: "req_x" })],
    ["its phase", () => ({ phase: "outcome" })],
    ["its result", () => ({ result: "answered" })],
    ["its hash", () => ({ leaf_hash: "0".repeat(64) })],
    ["a field", ({ event }) => ({ event: { ...event, old_role: "readonly" } })],
    ["a person where there was none", ({ event }) => ({ event: { ...event, target_user_id: "usr_x" } })],
    ["a field more", ({ event }) => ({ event: { ...event, note: "harmless" } })],
    ["a field less", ({ event: { old_role: _, ...event } }) => ({ event })],
    ["its type", ({ event }) => ({ event: { ...event, type: "login" } })],
    ["a list in a person's place", ({ event }) => ({ event: { ...event, admin_id: ["usr_x"] } })],
  ])("is not proved when the list shows another than was signed: %s", async (_what, change) => {
    const entry = entryAt(7);
    expect(await check({ ...entry, ...change(entry) }, await proofOf(7))).toMatchObject({ kind: "not_proved" });
  });

  it("is not proved by another entry's proof, nor by one that leads elsewhere", async () => {
    const entry = entryAt(7);
    const good = await proofOf(7);
    const other = await proofOf(8);
    const why = async (proof: ShownProof, keys = [key.verifier]) => {
      const verdict = await check(entry, proof, keys);
      return verdict.kind === "proved" ? "proved" : verdict.why;
    };
    expect(await why(other)).toBe("no_proof");
    expect(await why({ ...other, seq: 7 })).toBe("other_leaf");
    expect(await why({ ...good, hashes: other.hashes })).toBe("not_in_log");
    expect(await why({ ...good, hashes: good.hashes.slice(1) })).toBe("not_in_log");
    expect(await why({ ...good, hashes: ["x", ...good.hashes.slice(1)] })).toBe("no_proof");
    expect(await why({ ...good, size: 299 })).toBe("not_in_log");
    expect(await why({ ...good, checkpoint: "" })).toBe("checkpoint_not_signed");
    expect(await why({ ...good, checkpoint: good.checkpoint.replace("\n300\n", "\n301\n") })).toBe(
      "checkpoint_not_signed",
    );
    expect(await why(await proofOf(7, log, stranger))).toBe("checkpoint_not_signed");
    expect(await why(good, [])).toBe("checkpoint_not_signed");
    // A log that was rewritten around it, and signed by the right key: this list's entry is not in it.
    const rewritten = new SignedLog(key, 0);
    rewritten.leaves.push(...log.leaves.map((leaf, index) => (index === 6 ? leaf.replace("viewer", "admin") : leaf)));
    expect(await why(await proofOf(7, rewritten))).toBe("other_leaf");
    expect(await why({ ...(await proofOf(7, rewritten)), leaf: good.leaf })).toBe("not_in_log");
  });
});

describe("a witness in the dashboard", () => {
  it("is watching while it signs, and silent when it has not for half an hour", () => {
    const at = "2026-01-01T00:00:00Z";
    const stateAfter = (ms: number) => witnessState({ cosigned: { size: 1, at } }, Date.parse(at) + ms);
    expect([stateAfter(0), stateAfter(30 * 60_000), stateAfter(30 * 60_000 + 1)]).toEqual([
      "watching",
      "watching",
      "silent",
    ]);
    expect(witnessState({ cosigned: null }, 0)).toBe("never");
    expect(keyName("school.test/w+0a0b0c0d+AAAA")).toBe("school.test/w");
  });
});
