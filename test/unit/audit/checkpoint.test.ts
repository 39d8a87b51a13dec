import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  cosign,
  cosignedAt,
  headText,
  isCosigned,
  logOfOrigin,
  originOf,
  parseHead,
  verifyCheckpoint,
} from "../../../core/audit/checkpoint.ts";
import type { Sha256 } from "../../../core/audit/leaf.ts";
import {
  bearsSignature,
  formatNote,
  formatVerifier,
  fromBase64,
  keyIdOf,
  parseNote,
  parseSignature,
  parseVerifier,
  type SignedNote,
  signatureTypes,
  toBase64,
  type Verifier,
} from "../../../core/audit/signed-note.ts";
import { formatTilePath, parseTilePath, tilesOfLevel } from "../../../core/audit/tile-path.ts";
import type { OrgId } from "../../../core/ids.ts";

const sha256: Sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const org = "org_01jd3x2k8hf9v8v3k4m5n6p7q8" as OrgId;
const origin = `sentinel/sentinel.example/${org}`;
const root = sha256(new Uint8Array([7])) as Uint8Array<ArrayBuffer>;

async function keyOf(name: string, type: Verifier["type"] = signatureTypes.ed25519) {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { verifier: { name, type, publicKey } satisfies Verifier, privateKey: pair.privateKey };
}

async function checkpoint(key: Awaited<ReturnType<typeof keyOf>>, text: string): Promise<SignedNote> {
  const bytes = new TextEncoder().encode(text);
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", key.privateKey, bytes));
  return { text, signatures: [{ name: key.verifier.name, keyId: keyIdOf(key.verifier, sha256), signature }] };
}

describe("a signed note", () => {
  it("is read and written as the specification's own example, cosignature and all", () => {
    const example = [
      "example.com/behind-the-sofa",
      "20852163",
      "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
      "",
      "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=",
      "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==",
      "",
    ].join("\n");
    const note = parseNote(example) as SignedNote;
    expect(formatNote(note)).toBe(example);
    expect(note.signatures.map(({ keyId }) => keyId)).toEqual(["033de0ae", "8d66cf3f"]);
    // The time that the specification says its example was made.
    expect(cosignedAt(note.signatures[1]?.signature as Uint8Array<ArrayBuffer>)).toBe(1679315147);
  });

  it("with anything in it that could be written otherwise is no note", async () => {
    const key = await keyOf(origin);
    const good = formatNote(await checkpoint(key, headText({ origin, size: 3, root })));
    expect(parseNote(good)).not.toBeNull();
    const bad = [
      "",
      good.slice(0, -1),
      `${good}\n`,
      `${good}x\n`,
      good.replace("— ", "- "),
      good.replace("— ", "—  "),
      good.replaceAll("\n", "\r\n"),
      good.replace(/=\n$/, "\n"),
      `\u0000${good}`,
      `${"a".repeat(8200)}\n${good}`,
      good + good.slice(good.lastIndexOf("—")).repeat(16),
    ];
    for (const text of bad) expect(parseNote(text), JSON.stringify(text.slice(0, 80))).toBeNull();
  });

  it("is not taken for signed by a key of another name, another type or another id", async () => {
    const key = await keyOf(origin);
    const other = await keyOf(origin);
    const note = await checkpoint(key, headText({ origin, size: 3, root }));
    expect(await bearsSignature(note, key.verifier, sha256)).toBe(true);
    expect(await bearsSignature(note, other.verifier, sha256)).toBe(false);
    expect(await bearsSignature(note, { ...key.verifier, name: `${origin}x` }, sha256)).toBe(false);
    expect(await bearsSignature(note, { ...key.verifier, type: signatureTypes.cosignature }, sha256)).toBe(false);
    // The right name and id over other bytes: the note is bad, though a good line stands beside it.
    const [line] = note.signatures;
    const forged = { ...(line as NonNullable<typeof line>), signature: new Uint8Array(64) };
    expect(await bearsSignature({ ...note, signatures: [...note.signatures, forged] }, key.verifier, sha256)).toBe(
      false,
    );
  });

  it("is verified with a key as public tools write it, and with no other spelling of it", async () => {
    const { verifier } = await keyOf(origin);
    const text = formatVerifier(verifier, sha256);
    expect(parseVerifier(text, sha256)).toEqual(verifier);
    const otherId = text.replace(/\+[0-9a-f]{8}\+/, "+00000000+");
    const bad = [otherId, text.toUpperCase(), `${text} `, text.replace(/\+[^+]*$/, "+AQ=="), `a b${text}`, ""];
    for (const spelled of bad) expect(parseVerifier(spelled, sha256), spelled).toBeNull();
    // The Go checksum database's key, known to the world: its id is computed as here.
    const known = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    expect(formatVerifier(parseVerifier(known, sha256) as Verifier, sha256)).toBe(known);
  });

  it("knows one spelling of base64", () => {
    expect(toBase64(fromBase64("AQID") as Uint8Array)).toBe("AQID");
    for (const text of ["AQI", "AR==", "AQID=", "AQ_-", "A===", " AQID"]) expect(fromBase64(text), text).toBeNull();
    expect(parseSignature("— a AQIDBA==")).toBeNull();
  });
});

describe("a checkpoint", () => {
  it("names a log of ours and nothing else", () => {
    expect(originOf("https://sentinel.example", org)).toBe(origin);
    expect(originOf("http://localhost:8787", "platform-3")).toBe("sentinel/localhost:8787/platform-3");
    expect(logOfOrigin(origin)).toBe(org);
    for (const other of ["", org, `sentinel/${org}`, `${origin}/x`, "sentinel/a b/platform-1", "sentinel/a/platform-9"])
      expect(logOfOrigin(other), other).toBeNull();
  });

  it("is three lines, each in its one spelling", () => {
    const head = { origin, size: 12345678901, root };
    expect(parseHead(headText(head))).toEqual(head);
    expect(parseHead(headText({ ...head, size: 0 }))).toEqual({ ...head, size: 0 });
    const text = headText(head);
    const bad = [
      text.slice(0, -1),
      `${text}more\n`,
      text.replace("12345678901", "012345678901"),
      text.replace("12345678901", "-1"),
      text.replace("12345678901", "1e3"),
      text.replace("12345678901", "9007199254740993"),
      text.replace("=\n", "\n"),
      text.replace("sentinel/", "other/"),
      headText({ ...head, root: root.slice(1) }),
    ];
    for (const other of bad) expect(parseHead(other), JSON.stringify(other)).toBeNull();
  });

  it("counts only when a key of that very log signed it", async () => {
    const key = await keyOf(origin);
    const before = await keyOf(origin);
    const elsewhere = await keyOf("sentinel/sentinel.example/platform-1");
    const head = { origin, size: 3, root };
    const note = await checkpoint(key, headText(head));
    expect(await verifyCheckpoint(note, [before.verifier, key.verifier], sha256)).toEqual(head);
    expect(await verifyCheckpoint(note, [before.verifier], sha256)).toBeNull();
    expect(await verifyCheckpoint(note, [], sha256)).toBeNull();
    // Another log's key can't speak for this one, though its signature is good.
    const foreign = await checkpoint(elsewhere, headText(head));
    expect(await verifyCheckpoint(foreign, [elsewhere.verifier], sha256)).toBeNull();
    const changed = { ...note, text: headText({ ...head, size: 2 }) };
    expect(await verifyCheckpoint(changed, [key.verifier], sha256)).toBeNull();
  });

  it("is cosigned by a witness at a time that the cosignature binds", async () => {
    const key = await keyOf(origin);
    const witness = await keyOf("school.example/witness", signatureTypes.cosignature);
    const note = await checkpoint(key, headText({ origin, size: 3, root }));
    const line = await cosign(note.text, witness.verifier, witness.privateKey, 1_790_000_000_123, sha256);
    const signature = parseSignature(line.slice(0, -1));
    if (signature === null) throw new Error("no signature line");
    const cosigned = { ...note, signatures: [...note.signatures, signature] };
    expect(parseNote(formatNote(cosigned))).toEqual(cosigned);
    expect(cosignedAt(signature.signature)).toBe(1_790_000_000);
    expect(await isCosigned(cosigned, witness.verifier, sha256)).toBe(true);
    expect(await isCosigned(note, witness.verifier, sha256)).toBe(false);
    expect(await isCosigned({ ...cosigned, text: headText({ origin, size: 4, root }) }, witness.verifier, sha256)).toBe(
      false,
    );
    // Dated otherwise, cut short, or the log's own kind of signature under the witness's name.
    const later = signature.signature.slice();
    later[7] = (later[7] ?? 0) ^ 1;
    const plain = new Uint8Array(
      await crypto.subtle.sign("Ed25519", witness.privateKey, new TextEncoder().encode(note.text)),
    );
    for (const other of [later, signature.signature.slice(0, 70), plain]) {
      const forged = { ...note, signatures: [{ ...signature, signature: other }] };
      expect(await isCosigned(forged, witness.verifier, sha256)).toBe(false);
    }
  });
});

describe("a tile's name", () => {
  it("is written as tlog-tiles writes it", () => {
    expect(formatTilePath({ level: 0, index: 1234067, width: 256 })).toBe("0/x001/x234/067");
    expect(formatTilePath({ level: 1, index: 0, width: 17 })).toBe("1/000.p/17");
    expect(formatTilePath({ level: "entries", index: 273, width: 112 })).toBe("entries/273.p/112");
    // The specification's example: a tree of 70,000.
    expect([0, 1, 2, 3].map((level) => tilesOfLevel(level, 70_000).length)).toEqual([274, 2, 1, 0]);
    expect(tilesOfLevel(0, 70_000).at(-1)).toEqual({ level: 0, index: 273, width: 112 });
    expect(tilesOfLevel(2, 70_000)).toEqual([{ level: 2, index: 0, width: 1 }]);
  });

  it("has one spelling", () => {
    for (const path of ["0/000", "0/x001/x234/067", "entries/273.p/112", "6/000.p/255"]) {
      expect(formatTilePath(parseTilePath(path) as NonNullable<ReturnType<typeof parseTilePath>>)).toBe(path);
    }
    const bad = [
      "",
      "0",
      "00/000",
      "0/0",
      "0/x000/001",
      "0/000.p/0",
      "0/000.p/256",
      "0/000.p/01",
      "7/000",
      "0/000/",
      "-1/000",
    ];
    for (const path of [...bad, "0/../000", "entries/000.p", "0/x9/000", "0/001.p/12.p/1"])
      expect(parseTilePath(path), path).toBeNull();
  });
});
