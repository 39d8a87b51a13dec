import { randomBytes } from "node:crypto";
import { Api, type EnrolledDevice } from "../../e2e/support/api.ts";
import { between, pause } from "../part.ts";

/** Between two requests of one lane, in milliseconds. */
const requestMs = 40;
/** … and after one that nobody answered: whoever is down is not to be asked as fast as it can say so. */
const unansweredMs = 250;
/** A request without an answer by then counts as not answered. */
const answerMsMax = 20_000;
/** Whoever signs in wrong is a stranger: failures at an account slow it down, which is somebody else's subject. */
const nobody = "nobody@soak.invalid";

export const requestKinds = ["read", "group", "command", "sign-in", "wrong sign-in"] as const;
export type RequestKind = (typeof requestKinds)[number];

/** A request whose answer came. */
export interface Answered {
  readonly id: string;
  readonly kind: RequestKind;
  readonly status: number;
  /** Whose turn it was: a lane asks one thing after another. */
  readonly lane: number;
}

export interface Owner {
  readonly api: Api;
  readonly email: string;
  readonly password: string;
}

const school = "/api/v1/orgs/demo";

/** Reads, writes, sign-ins and commands of one organisation, in lanes, and what was answered to each. */
export class RequestLoad {
  /** In the order of the answers. */
  readonly answered: Answered[] = [];
  unanswered = 0;
  readonly #owner: Owner;
  readonly #devices: readonly EnrolledDevice[];
  readonly #random: () => number;
  readonly #lanes: readonly Promise<void>[];
  #running = true;

  constructor(owner: Owner, devices: readonly EnrolledDevice[], lanes: number, random: () => number) {
    this.#owner = owner;
    this.#devices = devices;
    this.#random = random;
    this.#lanes = Array.from({ length: lanes }, (_, lane) => this.#run(lane));
  }

  async finish(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#lanes);
  }

  async #run(lane: number): Promise<void> {
    while (this.#running) {
      const kind = requestKinds[between(this.#random, 0, requestKinds.length - 1)] as RequestKind;
      await this.#ask(kind, lane);
      await pause(requestMs);
    }
  }

  async #ask(kind: RequestKind, lane: number): Promise<void> {
    const answer = await Promise.race([this.#send(kind).catch(() => null), pause(answerMsMax).then(() => null)]);
    const id = answer?.headers.get("X-Request-Id") ?? null;
    if (answer === null || id === null) {
      this.unanswered += 1;
      await pause(unansweredMs);
    } else this.answered.push({ id, kind, status: answer.status, lane });
  }

  #send(kind: RequestKind) {
    const { api, email, password } = this.#owner;
    const device = this.#devices[between(this.#random, 0, this.#devices.length - 1)] as EnrolledDevice;
    const anybody = new Api(api.base);
    switch (kind) {
      case "read":
        return api.send("GET", `${school}/devices?limit=5`);
      case "group":
        return api.send("POST", `${school}/groups`, { name: `soak ${randomBytes(8).toString("hex")}` });
      case "command":
        return api.send("POST", `${school}/devices/${device.device_id}/commands`, { name: "ping" });
      case "sign-in":
        return anybody.send("POST", "/api/v1/auth/login?tokens=1", { email, password });
      case "wrong sign-in":
        return anybody.send("POST", "/api/v1/auth/login?tokens=1", { email: nobody, password });
    }
  }
}
