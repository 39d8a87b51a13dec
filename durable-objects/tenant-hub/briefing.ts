import type { OrgId } from "../../core/ids.ts";
import type { Env } from "../env.ts";
import { directoryName, type HubName } from "./shards/home.ts";
import { callHub } from "./shards/shard-call.ts";
import { readMeta, writeMeta } from "./shards/tables.ts";
import type { Told } from "./told.ts";

export interface BriefingDependencies {
  readonly env: Env;
  readonly sql: SqlStorage;
  readonly org: OrgId;
  readonly take: (told: Told) => void;
}

/**
 * Brings a shard what its directory was told. Studio tells each object that there is (`everyHub`); one that a release
 * adds, or that was set aside while something changed, was not among them, so it asks before it takes the first
 * connection of each of its lives. What it hears is taken like studio's word: an older version changes nothing.
 *
 * A shard that has heard once goes on with what it knows when the directory is away: it was told of every change since,
 * or the change says that it failed. One that never heard takes nobody: it would let in whom the policy keeps out.
 */
export class Briefing {
  readonly #deps: BriefingDependencies;
  /** The question that is under way or was answered; null after one that failed. Written by `heard`. */
  #asked: Promise<boolean> | null = null;

  /** @returns null for the directory, which is told itself */
  static of(name: HubName, deps: BriefingDependencies): Briefing | null {
    return name === directoryName(deps.org) ? null : new Briefing(deps);
  }

  private constructor(deps: BriefingDependencies) {
    this.#deps = deps;
  }

  /** @returns false: it can't be known yet by what a connection is to be judged */
  async heard(): Promise<boolean> {
    this.#asked ??= this.#ask();
    const heard = await this.#asked;
    if (!heard) this.#asked = null;
    return heard || readMeta(this.#deps.sql, "briefed") !== null;
  }

  async #ask(): Promise<boolean> {
    const { env, sql, org, take } = this.#deps;
    try {
      const told = await callHub(env.TENANT_HUB, org, directoryName(org), { kind: "told" });
      take(told);
      writeMeta(sql, "briefed", "1");
      return true;
    } catch {
      return false;
    }
  }
}
