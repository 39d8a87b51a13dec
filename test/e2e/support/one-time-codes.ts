import { generate } from "otplib";

const stepMs = 30_000;

/** What an authenticator app shows, without ever giving a step's code twice: the server takes each once (RFC 6238 §5.2). */
export class AuthenticatorApp {
  readonly #secret: string;
  #usedStep = 0;

  /** @param secret base32, as the page shows it */
  constructor(secret: string) {
    this.#secret = secret.replaceAll(" ", "");
  }

  /** The next code that the server has not seen: of this step or the one ahead, which a clock that is off would show. */
  async next(): Promise<string> {
    for (;;) {
      const now = Math.floor(Date.now() / stepMs);
      const step = Math.max(now, this.#usedStep + 1);
      if (step <= now + 1) {
        this.#usedStep = step;
        return generate({ secret: this.#secret, epoch: (step * stepMs) / 1000 });
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
