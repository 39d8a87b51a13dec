import { randomBytes, scrypt } from "node:crypto";
import { sameBytes } from "./keys.ts";

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
/** Sign-ins that may wait for the one that runs: 20 × 0.2 s is 4 s, about as long as a person waits. */
export const waitingMax = 20;

export const passwordCharactersMin = 15;
export const passwordCharactersMax = 128;

/** The form that is hashed: the same password typed on another keyboard is the same bytes (NIST 800-63B-4 §3.1.1.2). */
export function normalisePassword(password: string): string {
  return password.normalize("NFC");
}

/** Length in characters (code points), after normalisation. */
export function passwordLength(password: string): number {
  return [...normalisePassword(password)].length;
}

export type HashOutcome = { readonly kind: "ok"; readonly hash: string } | { readonly kind: "busy" };
export type VerifyOutcome =
  | { readonly kind: "right"; readonly outdated: boolean }
  | { readonly kind: "wrong" }
  | { readonly kind: "busy" };

/** Hashes and checks passwords, one at a time. */
export interface PasswordHasher {
  hash(password: string): Promise<HashOutcome>;
  /** @param stored null (nobody there) costs the same work and is wrong. */
  verify(password: string, stored: string | null): Promise<VerifyOutcome>;
}

export function createPasswordHasher(parameters: ScryptParameters = scryptParameters): PasswordHasher {
  // A hash that nobody's password has: checking it takes as long as checking a real one.
  const nobody = format(parameters, randomBytes(saltBytes), randomBytes(keyBytes));
  const queue = createQueue();
  return {
    async hash(password) {
      const salt = randomBytes(saltBytes);
      const key = await queue(() => derive(password, salt, parameters));
      return key === null ? { kind: "busy" } : { kind: "ok", hash: format(parameters, salt, key) };
    },
    async verify(password, stored) {
      const parsed = parse(stored ?? nobody);
      const key = await queue(() => derive(password, parsed.salt, parsed.parameters));
      if (key === null) return { kind: "busy" };
      if (!sameBytes(key, parsed.key) || stored === null) return { kind: "wrong" };
      return { kind: "right", outdated: isBehind(parsed.parameters, parameters) };
    },
  };
}

/** Runs one task at a time; null when too many wait already. */
function createQueue(): <T>(task: () => Promise<T>) => Promise<T | null> {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return async (task) => {
    if (waiting > waitingMax) return null;
    waiting += 1;
    const mine = last.then(task);
    last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      waiting -= 1;
    }
  };
}

function derive(password: string, salt: Uint8Array, { ln, r, p }: ScryptParameters): Promise<Buffer> {
  const options = { N: 2 ** ln, r, p, maxmem: memoryBytesMax };
  return new Promise((resolve, reject) => {
    scrypt(normalisePassword(password), salt, keyBytes, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
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
