/** Why a verb could not do its work, in words for whoever typed it. */
export class CliError extends Error {
  /** Stable, snake_case. */
  readonly code: string;
  /** 2: the command was not understood and nothing was done; 1: anything else. */
  readonly status: 1 | 2;

  constructor(code: string, message: string, status: 1 | 2 = 1) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** What a database says of its failure: its code, where it has one, and its words; no address stands in them. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  return code === undefined ? message : `${code} ${message}`;
}
