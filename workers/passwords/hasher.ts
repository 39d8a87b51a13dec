import type { HashOutcome, VerifyOutcome } from "../../core/rpc/passwords.ts";
import { isCommon } from "./blocklist.ts";
import { createQueue } from "./queue.ts";
import { checkPassword, hashOfNobody, hashPassword, type ScryptParameters, scryptParameters } from "./scrypt.ts";

/** Hashes and checks passwords, one at a time. */
export interface Hasher {
  /** Hashes a new password, unless it is a common one. */
  hash(password: string): Promise<HashOutcome>;
  /** @param stored null (nobody there) costs the same work and is wrong. */
  verify(password: string, stored: string | null): Promise<VerifyOutcome>;
}

/** What the platform gives; tests give their own. */
export interface HasherPlatform {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Comes back after whatever has arrived meanwhile was taken in. */
  readonly pause: () => Promise<void>;
}

/** One isolate's hasher: its queue is its own. */
export function createHasher(platform: HasherPlatform, parameters: ScryptParameters = scryptParameters): Hasher {
  const nobody = hashOfNobody(parameters);
  const queue = createQueue(platform.now, platform.pause);
  return {
    async hash(password) {
      // Cheap, and known to everybody who asks: before the queue.
      if (isCommon(password)) return { kind: "refused", reason: "common" };
      const hash = await queue.run(() => hashPassword(password, parameters));
      return hash === null ? { kind: "busy" } : { kind: "ok", hash };
    },
    async verify(password, stored) {
      const outcome = await queue.run((): VerifyOutcome => {
        const { right, outdated } = checkPassword(password, stored ?? nobody, parameters);
        if (!right || stored === null) return { kind: "wrong" };
        return { kind: "right", renewed: outdated ? hashPassword(password, parameters) : null };
      });
      return outcome ?? { kind: "busy" };
    },
  };
}
