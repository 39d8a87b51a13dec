/** Asks the person to prove themselves; resolves to whether they did. */
export type StepUpPrompt = () => Promise<boolean>;

/**
 * One question at a time, whoever needs the answer: a page whose calls are all refused for an old proof
 * opens one dialog, and what all of them wait for is the same.
 */
export class StepUp {
  #prompt: StepUpPrompt | null = null;
  #asking: Promise<boolean> | null = null;
  /** Whether the last question was declined; a page must not ask it again by itself. */
  #declined = false;

  /** Sets who asks; returns the undo. */
  attach(prompt: StepUpPrompt): () => void {
    this.#prompt = prompt;
    return () => {
      if (this.#prompt === prompt) this.#prompt = null;
    };
  }

  /**
   * @param asker `person`: somebody pressed something. `page`: a read of its own accord, which is not
   *   repeated after a no: pages read every few seconds.
   * @returns whether the person proved themselves
   */
  prove(asker: "person" | "page"): Promise<boolean> {
    if (this.#asking !== null) return this.#asking;
    if (this.#prompt === null || (asker === "page" && this.#declined)) return Promise.resolve(false);
    this.#asking = this.#prompt()
      .then((proven) => {
        this.#declined = !proven;
        return proven;
      })
      .finally(() => {
        this.#asking = null;
      });
    return this.#asking;
  }

  /** Somebody else may be here now: what was declined before says nothing about them. */
  forget(): void {
    this.#declined = false;
  }
}

/** The one of this page. */
export const stepUp = new StepUp();
