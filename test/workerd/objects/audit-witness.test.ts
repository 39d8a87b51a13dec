import { evictDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cosign, isCosigned, originOf, verifyCheckpoint } from "../../../core/audit/checkpoint.ts";
import {
  formatVerifier,
  parseNote,
  type SignedNote,
  signatureTypes,
  type Verifier,
} from "../../../core/audit/signed-note.ts";
import { isConsistent } from "../../../core/audit/tree.ts";
import type { OrgId } from "../../../core/ids.ts";
import { witnessClockMsMax } from "../../../durable-objects/audit-log/published-log.ts";
import { sha256 } from "../../../durable-objects/sha256.ts";
import { resetSink } from "./fake-sink.ts";
import { callerOf, entrypoints, jobCall, newOrg, newRequest, stopClock } from "./harness.ts";
import { append, logOf, readerCall, verified, wait } from "./log-kit.ts";

const { AuditProofs } = entrypoints;
const witnessCall = (org: OrgId) =>
  callerOf("studio").asJob("durable-objects.audit-reader", "audit_witness", org, newRequest());

/** A witness with a key of its own. */
async function newWitness(name = `school.test/witness-${crypto.randomUUID()}`) {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const publicKey = new Uint8Array((await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer);
  const verifier: Verifier = { name, type: signatureTypes.cosignature, publicKey };
  const sign = async (text: string, nowMs = Date.now()) =>
    (await cosign(text, verifier, pair.privateKey, nowMs, sha256)).trimEnd();
  return { verifier, key: formatVerifier(verifier, sha256), sign };
}
type Witness = Awaited<ReturnType<typeof newWitness>>;

const textOf = (note: string): string => (parseNote(note) as SignedNote).text;
async function signedLog(entries = 3): Promise<OrgId> {
  const org = newOrg();
  await append(org, entries);
  await wait(org);
  return org;
}
const post = async (org: OrgId, { key }: Witness, size: number, line: string) =>
  await AuditProofs.cosign(await witnessCall(org), key, size, line);
/** Cosigns the newest checkpoint as a witness does that has verified it. */
async function witnessNewest(org: OrgId, witness: Witness, nowMs = Date.now()) {
  const { view, size } = await verified(org);
  return await post(org, witness, size, await witness.sign(textOf(view.note), nowMs));
}

beforeAll(stopClock);
beforeEach(resetSink);

describe("a witness", () => {
  it("is shown the newest checkpoint and that the log only grew since the one it knows", async () => {
    const org = newOrg();
    expect(await AuditProofs.witnessed(await witnessCall(org), 0)).toBeNull();
    await append(org, 5);
    await wait(org);
    const first = await verified(org);
    expect(await AuditProofs.witnessed(await witnessCall(org), 0)).toMatchObject({ size: 5, from: 0, proof: [] });
    await append(org, 300);
    await wait(org);
    const later = await verified(org);
    const shown = await AuditProofs.witnessed(await witnessCall(org), 5);
    expect(shown).toMatchObject({ note: later.view.note, keys: later.view.keys, from: 5 });
    expect(isConsistent(first, later, shown?.proof ?? [], sha256)).toBe(true);
    // It knows more than the log has: there is nothing to prove, and it sees why.
    expect(await AuditProofs.witnessed(await witnessCall(org), 306)).toMatchObject({ size: 305, proof: [] });
  });

  it("has its cosignature in the note, behind the log's own signature, where public tools look for it", async () => {
    const org = await signedLog();
    const [one, two] = [await newWitness(), await newWitness()];
    for (const witness of [one, two]) expect(await witnessNewest(org, witness)).toBe("kept");
    await evictDurableObject(logOf(org));
    const { view, keys, origin } = await verified(org);
    const note = parseNote(view.note) as SignedNote;
    expect(note.signatures.map(({ name }) => name)).toEqual([
      origin,
      ...[one, two]
        .map(({ key }) => key)
        .toSorted()
        .map((key) => key.split("+")[0]),
    ]);
    expect(await verifyCheckpoint(note, keys, sha256)).not.toBeNull();
    for (const { verifier } of [one, two]) expect(await isCosigned(note, verifier, sha256)).toBe(true);
    expect(await isCosigned(note, (await newWitness()).verifier, sha256)).toBe(false);
  });

  it("is told of with its newest cosignature, also when the log has gone on", async () => {
    const org = await signedLog();
    const witness = await newWitness();
    await witnessNewest(org, witness);
    const at = Math.floor(Date.now() / 1000) * 1000;
    await append(org, 4);
    await wait(org);
    const { view } = await verified(org);
    expect(parseNote(view.note)?.signatures).toHaveLength(1);
    expect(view.cosigned).toMatchObject([{ verifier: witness.key, size: 3, cosignedMs: at }]);
    expect(await isCosigned(parseNote(view.cosigned[0]?.note ?? "") as SignedNote, witness.verifier, sha256)).toBe(
      true,
    );
    await witnessNewest(org, witness);
    expect((await verified(org)).view.cosigned).toMatchObject([{ size: 7 }]);
  });

  it("may cosign a log at rest again, and the later line replaces its own", async () => {
    const org = await signedLog();
    const witness = await newWitness();
    const start = Date.now();
    expect(await witnessNewest(org, witness, start)).toBe("kept");
    expect(await witnessNewest(org, witness, start + 60_000)).toBe("kept");
    const { view } = await verified(org);
    expect(parseNote(view.note)?.signatures).toHaveLength(2);
    expect(view.cosigned[0]?.cosignedMs).toBe(Math.floor((start + 60_000) / 1000) * 1000);
    // The same line once more, its answer lost, changes nothing; an earlier one is refused.
    expect(await witnessNewest(org, witness, start + 60_000)).toBe("kept");
    expect(await witnessNewest(org, witness, start)).toBe("older");
  });
});

describe("a cosignature is refused, and nothing changes", () => {
  const unchanged = async (org: OrgId, posted: () => Promise<unknown>, answer: string) => {
    const before = (await verified(org)).view;
    expect(await posted()).toBe(answer);
    expect((await verified(org)).view).toEqual(before);
  };

  it("when it is of a checkpoint that this log never had", async () => {
    const org = await signedLog();
    const { view } = await verified(org);
    const witness = await newWitness();
    const forged = textOf(view.note).replace(/\n.{44}\n$/, `\n${btoa("x".repeat(32))}\n`);
    await unchanged(org, async () => post(org, witness, 3, await witness.sign(forged)), "not_a_cosignature");
    await unchanged(
      org,
      async () => post(org, witness, 2, await witness.sign(textOf(view.note))),
      "unknown_checkpoint",
    );
  });

  it("when it is of another organisation's checkpoint", async () => {
    const [org, other] = [await signedLog(), await signedLog()];
    const witness = await newWitness();
    const { view } = await verified(other);
    await unchanged(org, async () => post(org, witness, 3, await witness.sign(textOf(view.note))), "not_a_cosignature");
  });

  it("when another key made it, or it stands under another name", async () => {
    const org = await signedLog();
    const [registered, stranger] = [await newWitness(), await newWitness()];
    const { view } = await verified(org);
    const theirs = await stranger.sign(textOf(view.note));
    await unchanged(org, () => post(org, registered, 3, theirs), "not_a_cosignature");
    const renamed = theirs.replace(stranger.verifier.name, registered.verifier.name);
    await unchanged(org, () => post(org, registered, 3, renamed), "not_a_cosignature");
    // The right name and the right id over somebody else's signature.
    const own = await registered.sign(textOf(view.note));
    const bytes = atob(own.split(" ")[2] ?? "").slice(0, 4) + atob(theirs.split(" ")[2] ?? "").slice(4);
    const grafted = `\u2014 ${registered.verifier.name} ${btoa(bytes)}`;
    await unchanged(org, () => post(org, registered, 3, grafted), "not_a_cosignature");
  });

  it("when it is of an earlier checkpoint than the last that this witness cosigned", async () => {
    const org = await signedLog();
    const witness = await newWitness();
    const early = textOf((await verified(org)).view.note);
    await append(org, 2);
    await wait(org);
    expect(await witnessNewest(org, witness)).toBe("kept");
    await unchanged(org, async () => post(org, witness, 3, await witness.sign(early)), "older");
    // Another witness is only now getting there.
    const slower = await newWitness();
    expect(await post(org, slower, 3, await slower.sign(early))).toBe("kept");
  });

  it("when its time is not ours", async () => {
    const org = await signedLog();
    const witness = await newWitness();
    for (const off of [-witnessClockMsMax - 2000, witnessClockMsMax + 2000])
      await unchanged(org, () => witnessNewest(org, witness, Date.now() + off), "clock_off");
    expect(await witnessNewest(org, witness, Date.now() - witnessClockMsMax + 2000)).toBe("kept");
  });

  it("when another key has cosigned under the same name: neither could be verified", async () => {
    const org = await signedLog();
    const [one, two] = [await newWitness("school.test/twin"), await newWitness("school.test/twin")];
    expect(await witnessNewest(org, one)).toBe("kept");
    await unchanged(org, () => witnessNewest(org, two), "no_room");
  });

  it("when the note holds as many as a note may", async () => {
    const org = await signedLog();
    for (let count = 0; count < 15; count += 1) expect(await witnessNewest(org, await newWitness())).toBe("kept");
    expect(parseNote((await verified(org)).view.note)?.signatures).toHaveLength(16);
    await unchanged(org, async () => witnessNewest(org, await newWitness()), "no_room");
  });

  it("when the key bears a log's name, signs in another way, or is no key", async () => {
    const org = await signedLog();
    const posing = await newWitness(originOf("https://sentinel.test", org));
    await unchanged(org, () => witnessNewest(org, posing), "not_a_cosignature");
    const witness = await newWitness();
    const plain = formatVerifier({ ...witness.verifier, type: signatureTypes.ed25519 }, sha256);
    const line = await witness.sign(textOf((await verified(org)).view.note));
    for (const key of [plain, "", "school.test/witness", `${witness.key}x`])
      await unchanged(org, () => post(org, { ...witness, key }, 3, line), "not_a_cosignature");
    for (const text of ["", "\u2014 a AAAA", `${line} `, `${line}\n`, line.slice(2)])
      await unchanged(org, () => post(org, witness, 3, text), "not_a_cosignature");
  });
});

describe("a witness's call", () => {
  it("shows no entry, no proof of one, no tile and no list", async () => {
    const org = await signedLog();
    const call = await witnessCall(org);
    const tile = { level: "entries", index: 0, width: 3 } as const;
    for (const ask of [
      () => AuditProofs.checkpoint(call),
      () => AuditProofs.inclusion(call, 1, null),
      () => AuditProofs.consistency(call, 1, 2),
      () => AuditProofs.tile(call, tile),
      () =>
        entrypoints.AuditReader.list(call, {
          type: null,
          actor: null,
          fromMs: null,
          toMs: null,
          beforeSeq: null,
          limit: 1,
        } as never),
    ])
      await expect((async () => await ask())()).rejects.toThrow("wrong_job");
  });

  it("is a witness's alone: no member and no other job gets in that way", async () => {
    const org = await signedLog();
    const witness = await newWitness();
    const line = await witness.sign(textOf((await verified(org)).view.note));
    for (const role of ["owner", "readonly"] as const) {
      const call = await readerCall(org, role);
      await expect((async () => await AuditProofs.witnessed(call, 0))()).rejects.toThrow("call refused");
      await expect((async () => await AuditProofs.cosign(call, witness.key, 3, line))()).rejects.toThrow(
        "call refused",
      );
    }
    const anonymous = await jobCall(org, newRequest());
    await expect((async () => await AuditProofs.witnessed(anonymous, 0))()).rejects.toThrow("call refused");
    const nobodys = await callerOf("studio").asJob("durable-objects.audit-reader", "audit_witness", null, newRequest());
    await expect((async () => await AuditProofs.witnessed(nobodys, 0))()).rejects.toThrow("call refused");
  });
});
