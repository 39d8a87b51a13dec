/** A log in memory that a test writes, signs, rolls back and forks as it likes, by the product's own tree and notes. */
import { createHash } from "node:crypto";
import { headText } from "../../core/audit/checkpoint.ts";
import { GrowingTree } from "../../core/audit/growing-tree.ts";
import { leafHash, type Sha256 } from "../../core/audit/leaf.ts";
import { formatNote, formatVerifier, keyIdOf, signatureTypes, type Verifier } from "../../core/audit/signed-note.ts";
import { consistencyProof, type HashReader } from "../../core/audit/tree.ts";

export const sha256: Sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

export interface LogSigningKey {
  readonly verifier: Verifier;
  /** `name+id+key`. */
  readonly text: string;
  sign(text: string): Promise<Uint8Array<ArrayBuffer>>;
}

export async function newLogKey(name: string): Promise<LogSigningKey> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const verifier: Verifier = { name, type: signatureTypes.ed25519, publicKey };
  const sign = async (text: string) =>
    new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, new TextEncoder().encode(text)));
  return { verifier, text: formatVerifier(verifier, sha256), sign };
}

export class SignedLog {
  readonly key: LogSigningKey;
  readonly leaves: string[] = [];

  constructor(key: LogSigningKey, entries: number) {
    this.key = key;
    this.add(entries);
  }

  add(entries: number, mark = ""): this {
    for (let count = 0; count < entries; count += 1) this.leaves.push(`{"seq":${this.leaves.length + 1}${mark}}`);
    return this;
  }

  get hashes(): Uint8Array<ArrayBuffer>[] {
    return this.leaves.map((leaf) => new Uint8Array(Buffer.from(leafHash(leaf, sha256), "hex")));
  }

  /** The text of a checkpoint of the first `size` entries. */
  headText(size = this.leaves.length): string {
    const tree = new GrowingTree(sha256);
    for (const hash of this.hashes.slice(0, size)) tree.add(hash);
    return headText({ origin: this.key.verifier.name, size, root: new Uint8Array(tree.root()) });
  }

  /** A signed checkpoint of the first `size` entries, with what else stands under it. */
  async checkpoint(size = this.leaves.length, by: LogSigningKey = this.key, lines = ""): Promise<string> {
    const text = this.headText(size);
    const { verifier } = by;
    const signature = await by.sign(text);
    return (
      formatNote({ text, signatures: [{ name: verifier.name, keyId: keyIdOf(verifier, sha256), signature }] }) + lines
    );
  }

  /** That the log of `to` entries begins with that of `from`; empty where that is no question. */
  proof(from: number, to = this.leaves.length): Uint8Array[] {
    const { hashes } = this;
    const read: HashReader = (level, start, end) => (level === 0 ? hashes.slice(start, end) : []);
    return from < 1 || from > to ? [] : consistencyProof(read, from, to, sha256);
  }
}
