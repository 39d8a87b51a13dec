import { setTimeout as delay } from "node:timers/promises";
import { StackError } from "./stack-error.ts";

/** A refusal of the public API: its problem document. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`${status} ${code}: ${detail}`);
    this.name = "ApiProblem";
    this.status = status;
    this.code = code;
  }
}

/** Tries of one request that met a limit or a starting part. */
const triesMax = 8;

/** The stack's own way in: the same public API that everybody uses, nothing beside it. */
export class ApiClient {
  readonly #base: string;
  #token: string | null = null;

  constructor(base: URL) {
    this.#base = base.origin;
  }

  /** Uses this access token from now on. */
  authorize(token: string): void {
    this.#token = token;
  }

  /** Sends JSON, returns JSON; waits as long as a 429 asks. @throws ApiProblem */
  async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const response = await fetch(`${this.#base}${path}`, {
        method,
        headers: {
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }).catch((error: Error) => {
        throw new StackError(
          "edge_unreachable",
          `${method} ${path}: ${error.message}`,
          "Start again; if it stays, remove the state folder.",
        );
      });
      const text = await response.text();
      if (response.ok) return (text === "" ? null : JSON.parse(text)) as T;
      const retryAfter = Number(response.headers.get("Retry-After") ?? "1");
      if ((response.status === 429 || response.status === 503) && attempt < triesMax) {
        await delay(Math.min(Math.max(retryAfter, 1), 60) * 1000);
        continue;
      }
      throw problem(response.status, text);
    }
  }
}

function problem(status: number, text: string): ApiProblem {
  try {
    const { code, detail, title } = JSON.parse(text) as Record<string, unknown>;
    return new ApiProblem(status, String(code), String(detail ?? title));
  } catch {
    return new ApiProblem(status, "no_problem_document", text.slice(0, 200));
  }
}
