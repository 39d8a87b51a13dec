/** Tokens as an attacker writes them: byte by byte, with no library that could refuse to. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { JWK } from "jose";

export type Members = Readonly<Record<string, unknown>>;

const encode = (part: string | Buffer): string => Buffer.from(part).toString("base64url");
const text = (part: Members | string): string => (typeof part === "string" ? part : JSON.stringify(part));

/** header.payload.signature; text instead of members is taken as it stands. */
export function compact(
  header: Members | string,
  payload: Members | string,
  signer: (input: Buffer) => Buffer,
): string {
  const input = `${encode(text(header))}.${encode(text(payload))}`;
  return `${input}.${encode(signer(Buffer.from(input)))}`;
}

export const withEd25519 = (key: KeyObject) => (input: Buffer) => sign(null, input, key);
export const withHmac = (secret: string | Buffer, hash: string) => (input: Buffer) =>
  createHmac(hash, secret).update(input).digest();
const withRsa = (hash: string, key: KeyObject) => (input: Buffer) => sign(hash, input, key);

/** The parts of a genuine token. */
export function partsOf(token: string): { header: Members; payload: Members; signature: string } {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as Members;
  return { header: read(header), payload: read(payload), signature };
}

/** The attacker's own keys. */
const own = generateKeyPairSync("ed25519");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ownJwk = own.publicKey.export({ format: "jwk" });

export interface Attack {
  readonly name: string;
  readonly token: string;
}

/**
 * What somebody makes who has one genuine token, the public keys and no private one: the token's words
 * with other rights, or the very words in another form. None may be taken for a token.
 * @param genuine a token that is taken
 * @param jwk the public key that verifies it
 */
export function outsiderAttacks(genuine: string, jwk: JWK): Attack[] {
  const { header, payload, signature } = partsOf(genuine);
  const [head = "", body = ""] = genuine.split(".");
  const raised = { ...payload, role: "owner" };
  const raw = Buffer.from(jwk.x ?? "", "base64url");
  const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]).toString("base64")}\n-----END PUBLIC KEY-----\n`;
  const mine = withEd25519(own.privateKey);
  const forged = (changes: Members): string => compact({ ...header, ...changes }, payload, mine);
  const attacks: Record<string, string> = {
    "alg none, no signature": `${encode(JSON.stringify({ ...header, alg: "none" }))}.${body}.`,
    "alg none, the genuine signature": `${encode(JSON.stringify({ ...header, alg: "none" }))}.${body}.${signature}`,
    "alg nOnE": compact({ ...header, alg: "nOnE" }, payload, () => Buffer.alloc(0)),
    "no alg": compact({ ...header, alg: undefined }, payload, mine),
    "HS256 keyed with the public key's bytes": compact({ ...header, alg: "HS256" }, payload, withHmac(raw, "sha256")),
    "HS256 keyed with its base64url": compact({ ...header, alg: "HS256" }, payload, withHmac(jwk.x ?? "", "sha256")),
    "HS512 keyed with its PEM": compact({ ...header, alg: "HS512" }, payload, withHmac(pem, "sha512")),
    "HS256 keyed with nothing": compact({ ...header, alg: "HS256" }, payload, withHmac("", "sha256")),
    "EdDSA in the header over an HMAC of 64 bytes": compact(header, payload, withHmac(raw, "sha512")),
    RS256: compact({ ...header, alg: "RS256" }, payload, withRsa("sha256", rsa.privateKey)),
    PS256: compact({ ...header, alg: "PS256" }, payload, withRsa("sha256", rsa.privateKey)),
    ES256: compact({ ...header, alg: "ES256" }, payload, withRsa("sha256", ec.privateKey)),
    Ed448: compact({ ...header, alg: "Ed448" }, payload, mine),
    "the attacker's own key under the genuine kid": forged({}),
    "no kid": compact({ alg: "EdDSA", typ: header["typ"] }, payload, mine),
    "a kid that is a number": forged({ kid: 1 }),
    "a kid that is a list": forged({ kid: [header["kid"]] }),
    "a kid that walks the file system": forged({ kid: "../../../../dev/null" }),
    "a kid that is an absolute path": forged({ kid: "/proc/self/environ" }),
    "a kid with a NUL": forged({ kid: `${String(header["kid"])}\u0000` }),
    "a kid that is SQL": forged({ kid: "x' UNION SELECT 'AAAA' --" }),
    "a kid that is a command": forged({ kid: "|/usr/bin/id" }),
    "a kid that is a URL": forged({ kid: "https://evil.test/key" }),
    "a kid of an object's prototype": forged({ kid: "__proto__" }),
    "a kid of an object's method": forged({ kid: "constructor" }),
    "a kid of a thousand characters": forged({ kid: "k".repeat(1000) }),
    "its own key in jwk": forged({ jwk: { ...ownJwk, kid: header["kid"] } }),
    "its own key in jwk and no kid": compact({ alg: "EdDSA", typ: header["typ"], jwk: ownJwk }, payload, mine),
    jku: forged({ jku: "https://evil.test/jwks.json", kid: "evil" }),
    x5u: forged({ x5u: "https://evil.test/cert.pem" }),
    x5c: forged({ x5c: [encode(own.publicKey.export({ format: "der", type: "spki" }))] }),
    "another role under the genuine signature": `${head}.${encode(JSON.stringify(raised))}.${signature}`,
    "another header under the genuine signature": `${encode(JSON.stringify({ ...header, x: 1 }))}.${body}.${signature}`,
    "a signature cut by one character": genuine.slice(0, -1),
    "a signature cut by a half": `${head}.${body}.${signature.slice(0, 43)}`,
    "no signature": `${head}.${body}.`,
    "two parts": `${head}.${body}`,
    "four parts": `${genuine}.${signature}`,
    "five parts, like an encrypted token": `${head}..${body}.${signature}.${signature}`,
    "a padded signature": `${genuine}==`,
    "a padded header": `${head}=.${body}.${signature}`,
    "a signature with a byte more": `${head}.${body}.${encode(Buffer.concat([Buffer.from(signature, "base64url"), Buffer.alloc(1)]))}`,
    "a signature whose spare bits are set": `${genuine.slice(0, -1)}${spareBitsSet(genuine.slice(-1))}`,
    "the classic alphabet": `${head}.${body}.${Buffer.from(signature, "base64url").toString("base64")}`,
    "a space before": ` ${genuine}`,
    "a space after": `${genuine} `,
    "a line feed in the signature": `${head}.${body}.${signature.slice(0, 10)}\n${signature.slice(10)}`,
    "a tab in the payload": `${head}.${body.slice(0, 4)}\t${body.slice(4)}.${signature}`,
    "a NUL after": `${genuine}\u0000`,
    "all zeros for a signature": `${head}.${body}.${encode(Buffer.alloc(64))}`,
    "the flattened JSON serialisation": JSON.stringify({ protected: head, payload: body, signature }),
    "the general JSON serialisation": JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }),
    "a JSON string": JSON.stringify(genuine),
    "the genuine token inside one of the attacker's": compact(
      { alg: "EdDSA", cty: "JWT", kid: header["kid"] },
      genuine,
      mine,
    ),
    "a header that is no object": compact("[]", payload, mine),
    "a header that is null": compact("null", payload, mine),
    "a header nested two thousand deep": compact(`${"[".repeat(2000)}${"]".repeat(2000)}`, payload, mine),
    "more than 8 KiB": compact(header, { ...payload, filler: "x".repeat(8 * 1024) }, mine),
    "a megabyte": "A".repeat(1024 * 1024),
    nothing: "",
    "two dots": "..",
  };
  return Object.entries(attacks).map(([name, token]) => ({ name, token }));
}

/** The same bytes in another spelling: a lenient decoder takes it for the genuine token. */
function spareBitsSet(last: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet[alphabet.indexOf(last) | 1] ?? "_";
}
