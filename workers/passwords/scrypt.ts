import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { normalisePassword } from "../../core/rpc/passwords.ts";

export interface ScryptParameters {
  /** log2 of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/**
 * OWASP's scrypt row N=2^15, r=8, p=3: 32 MiB (128·N·r bytes) and some 0.2 s, so that one at a time
 * fits an isolate of 128 MB. Raise them here; each hash is renewed at its owner's next sign-in.
 */
export const scryptParameters: ScryptParameters = { ln: 15, r: 8, p: 3 };

const saltBytes = 16;
const keyBytes = 32;
/** Node refuses above 32 MiB by default; ours needs exactly that, plus a little. */
const memoryBytesMax = 96 * 1024 * 1024;

/** A hash with a fresh salt and these parameters, as a PHC string. Holds up its isolate until it is done. */
export function hashPassword(password: string, parameters: ScryptParameters): string {
  const salt = randomBytes(saltBytes);
  return format(parameters, salt, derive(password, salt, parameters));
}

/** A hash that nobody's password has: checking it takes as long as checking a real one. */
export function hashOfNobody(parameters: ScryptParameters): string {
  return format(parameters, randomBytes(saltBytes), randomBytes(keyBytes));
}

/**
 * Compares in constant time.
 * @returns `outdated` when the hash was made with lesser parameters than these
 * @throws Error when the stored hash does not parse
 */
export function checkPassword(
  password: string,
  stored: string,
  parameters: ScryptParameters,
): { readonly right: boolean; readonly outdated: boolean } {
  const parsed = parse(stored);
  const key = derive(password, parsed.salt, parsed.parameters);
  const right = key.length === parsed.key.length && timingSafeEqual(key, parsed.key);
  return { right, outdated: isBehind(parsed.parameters, parameters) };
}

function derive(password: string, salt: Uint8Array, { ln, r, p }: ScryptParameters): Buffer {
  return scryptSync(normalisePassword(password), salt, keyBytes, { N: 2 ** ln, r, p, maxmem: memoryBytesMax });
}

function isBehind(stored: ScryptParameters, wanted: ScryptParameters): boolean {
  return stored.ln < wanted.ln || stored.r < wanted.r || stored.p < wanted.p;
}

/** PHC string: `$scrypt$ln=15,r=8,p=3$salt$key`, base64 without padding. */
function format({ ln, r, p }: ScryptParameters, salt: Uint8Array, key: Uint8Array): string {
  const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
  return `$scrypt$ln=${ln},r=${r},p=${p}$${encode(salt)}$${encode(key)}`;
}

function parse(hash: string): { parameters: ScryptParameters; salt: Buffer; key: Buffer } {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(hash);
  if (match === null) throw new Error("a stored password hash does not parse");
  const [, ln, r, p, salt = "", key = ""] = match;
  return {
    parameters: { ln: Number(ln), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, "base64"),
    key: Buffer.from(key, "base64"),
  };
}
