/**
 * passwords: hashes and checks passwords, and does nothing else. A hash holds up its isolate for 0.2 s;
 * here that is nobody but the next sign-in. It holds no data, binds nothing and can reach nothing.
 */
import { createHasher, type Hasher } from "./hasher.ts";
import { serve } from "./serve.ts";

interface Environment {
  readonly PASSWORDS_TOKEN?: string;
}

/** What can't be guessed has at least so many characters; less is a mistake of whoever set it. */
const tokenCharactersMin = 32;

/** Between two looks at whose turn it is, in milliseconds: a fiftieth of the time that one takes. */
const pauseMs = 4;
const ignore = (): void => undefined;

/** Written once; an isolate has one queue. */
let hasher: Hasher | null = null;

export default {
  async fetch(request: Request, env: Environment, context: ExecutionContext): Promise<Response> {
    const token = env.PASSWORDS_TOKEN;
    if (typeof token !== "string" || token.length < tokenCharactersMin) {
      throw new Error(`PASSWORDS_TOKEN is not set, or has less than ${tokenCharactersMin} characters`);
    }
    hasher ??= createHasher({
      now: () => Date.now(),
      pause: () => new Promise((resolve) => setTimeout(resolve, pauseMs)),
    });
    const answering = serve(request, token, hasher);
    // Goes on when the caller has gone away, so that everybody in the queue leaves it.
    context.waitUntil(answering.then(ignore, ignore));
    return answering;
  },
};
