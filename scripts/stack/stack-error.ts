/** A failure that the person at the keyboard can do something about. */
export class StackError extends Error {
  /** Stable, snake_case. */
  readonly code: string;
  /** What to do, one sentence. */
  readonly advice: string;

  constructor(code: string, message: string, advice: string) {
    super(message);
    this.name = "StackError";
    this.code = code;
    this.advice = advice;
  }
}
