import type { Api } from "../../e2e/support/api.ts";
import { pause } from "../part.ts";

/** Between two requests of one loop, in milliseconds. */
const requestMs = 100;
/** A request without an answer by then counts as not answered. */
const answerMsMax = 20_000;

export interface AnsweredRequest {
  readonly id: string;
  readonly method: "GET" | "POST";
  readonly status: number;
}

/** Reads and writes of the demo organisation, one after another, and what was answered. */
export class ApiLoad {
  readonly answered: AnsweredRequest[] = [];
  /** Names of groups whose creation was answered by 201. */
  readonly groups: string[] = [];
  unanswered = 0;
  readonly #api: Api;
  readonly #loop: Promise<void>;
  #running = true;

  constructor(api: Api) {
    this.#api = api;
    this.#loop = this.#send();
  }

  async finish(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  async #send(): Promise<void> {
    for (let turn = 0; this.#running; turn += 1) {
      const name = `soak ${turn}`;
      if (turn % 2 === 0) await this.#one("GET", "/api/v1/orgs/demo/devices?limit=5");
      else if ((await this.#one("POST", "/api/v1/orgs/demo/groups", { name })) === 201) this.groups.push(name);
      await pause(requestMs);
    }
  }

  /** @returns the status, or null when no answer came */
  async #one(method: "GET" | "POST", path: string, body?: unknown): Promise<number | null> {
    const answer = await Promise.race([
      this.#api.send(method, path, body).catch(() => null),
      pause(answerMsMax).then(() => null),
    ]);
    const id = answer?.headers.get("X-Request-Id") ?? null;
    if (answer === null || id === null) {
      this.unanswered += 1;
      return null;
    }
    this.answered.push({ id, method, status: answer.status });
    return answer.status;
  }
}
