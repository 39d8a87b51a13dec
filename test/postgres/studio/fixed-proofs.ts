/** Proofs over a log of three known leaves, in memory, by the product's own tree; each call is verified as for real. */
import { createHash } from "node:crypto";
import { leafHash, type Sha256 } from "../../../core/audit/leaf.ts";
import { consistencyProof, type HashReader, inclusionProof, treeRoot } from "../../../core/audit/tree.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { MeshKeys } from "../../../core/mesh/keys.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { AuditProofsRpc, CosignAnswer, CosignatureView } from "../../../core/rpc/audit-proofs.ts";

export const sha256: Sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

export const fixedLeaves = ['{"seq":1}', '{"seq":2}', '{"seq":3}'];
const hashes = fixedLeaves.map((leaf) => new Uint8Array(Buffer.from(leafHash(leaf, sha256), "hex")));
const read: HashReader = (level, from, to) => (level === 0 ? hashes.slice(from, to) : []);
const size = fixedLeaves.length;
const own = (list: readonly Uint8Array[]) => list.map((hash) => new Uint8Array(hash));

/** A cosignature as it arrived, for whose log; `answer` is what came of it, said by the test. */
export interface Posted {
  readonly org: string | null;
  readonly verifier: string;
  readonly size: number;
  readonly line: string;
}
export interface FixedProofs extends AuditProofsRpc {
  readonly posted: Posted[];
  /** What each posted cosignature comes to. Written by tests alone. */
  answer: CosignAnswer;
  /** What witnesses are taken to have cosigned. Written by tests alone. */
  readonly cosigned: CosignatureView[];
}

export function createProofs(keys: MeshKeys, now: () => number): FixedProofs {
  const verifyWitness = (call: SignedCall) =>
    verifyCall(call, { audience: "durable-objects.audit-reader", jobs: ["audit_witness"] }, keys, now());
  const verify = (call: SignedCall) =>
    verifyCall(call, { audience: "durable-objects.audit-reader", users: true }, keys, now());
  const posted: Posted[] = [];
  const cosigned: CosignatureView[] = [];
  return {
    posted,
    cosigned,
    answer: "kept",
    async witnessed(call, from) {
      const { org } = await verifyWitness(call);
      const proof = from >= 1 && from <= size ? own(consistencyProof(read, from, size, sha256)) : [];
      return { note: `sentinel/sentinel.test/${org}\n3\n\n`, size, keys: ["a key"], from, proof };
    },
    async cosign(call, verifier, at, line) {
      const { org } = await verifyWitness(call);
      posted.push({ org, verifier, size: at, line });
      return this.answer;
    },
    async checkpoint(call) {
      const { org } = await verify(call);
      const origin = `sentinel/sentinel.test/${org}`;
      const signed = { note: `${origin}\n3\n\n`, signedMs: now(), keys: [], cosigned };
      return { origin, size, pending: 1, pendingSinceMs: now(), ...signed };
    },
    async inclusion(call, seq, wanted) {
      await verify(call);
      const of = wanted ?? size;
      if (of > size || seq > of) return null;
      const proof = own(inclusionProof(read, seq - 1, of, sha256));
      const root = new Uint8Array(treeRoot(read, of, sha256));
      return { seq, size: of, leafJson: fixedLeaves[seq - 1] as string, proof, root, note: "" };
    },
    async consistency(call, from, wanted) {
      await verify(call);
      const to = wanted ?? size;
      return to > size || from > to ? null : { from, to, proof: own(consistencyProof(read, from, to, sha256)) };
    },
    async tile(call, { level, index, width }) {
      await verify(call);
      if (index !== 0 || width > size) return null;
      if (level === "entries") return new Uint8Array(Buffer.from(fixedLeaves.slice(0, width).join("")));
      if (level !== 0) return null;
      return new Uint8Array(Buffer.concat(hashes.slice(0, width)));
    },
  };
}
