import {
  type HashOutcome,
  type HashRequest,
  hashPath,
  readyPath,
  type VerifyOutcome,
  type VerifyRequest,
  verifyPath,
} from "../../../core/rpc/passwords.ts";
import { Unavailable } from "../unavailable.ts";

/** Hashes and checks passwords, where nobody but other sign-ins waits for it: in the passwords Worker. */
export interface PasswordHasher {
  /** Hashes a new password, unless it is one that guessing tries first. @throws Unavailable */
  hash(password: string): Promise<HashOutcome>;
  /** @param stored null (nobody there, no password) costs the same work and is wrong. @throws Unavailable */
  verify(password: string, stored: string | null): Promise<VerifyOutcome>;
  /** Whether it answers, and to us. @throws Unavailable */
  ready(): Promise<void>;
}

/** The binding: of a service binding, what this needs of it. */
export interface PasswordsBinding {
  fetch(input: string, init?: RequestInit): Promise<Response>;
}

/** A full queue is done in 4 s, on a machine five times slower in 20; whatever takes longer does not answer. In milliseconds. */
const answerMsMax = 20_000;
/** The binding looks at the path alone. */
const origin = "http://passwords.internal";

export function createPasswordHasher(binding: PasswordsBinding, token: string): PasswordHasher {
  const ask = async (method: "GET" | "POST", path: string, body?: HashRequest | VerifyRequest): Promise<Response> => {
    try {
      const response = await binding.fetch(`${origin}${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        signal: AbortSignal.timeout(answerMsMax),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      // 503 is `busy`, an outcome; anything else says that we and it are not of one mind.
      if (!response.ok && response.status !== 503) throw new Error(`passwords answered ${response.status}`);
      return response;
    } catch (cause) {
      throw unavailable(cause);
    }
  };
  const outcomeOf = async <T extends { readonly kind: string }>(
    response: Promise<Response>,
    kinds: readonly T["kind"][],
  ): Promise<T> => {
    const outcome: unknown = await (await response).json().catch((cause: unknown) => {
      throw unavailable(cause);
    });
    const kind = (outcome as { kind?: unknown } | null)?.kind;
    // Fail closed: what is not one of the outcomes is none, least of all "right".
    if (!kinds.some((known) => known === kind)) throw unavailable(new Error("passwords answered no outcome"));
    return outcome as T;
  };
  return {
    hash: (password) => outcomeOf<HashOutcome>(ask("POST", hashPath, { password }), ["ok", "refused", "busy"]),
    verify: (password, stored) =>
      outcomeOf<VerifyOutcome>(ask("POST", verifyPath, { password, stored }), ["right", "wrong", "busy"]),
    ready: async () => {
      await ask("GET", readyPath);
    },
  };
}

function unavailable(cause: unknown): Unavailable {
  const failure = new Unavailable("passwords");
  failure.cause = cause;
  return failure;
}
