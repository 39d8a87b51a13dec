import { defaultLimitsPolicy, type LimitsPolicy, parseLimitsPolicy } from "../../core/tenancy/limits-policy.ts";
import { readMeta, writeMeta } from "./shards/tables.ts";
import type { ToldLimits } from "./told.ts";

/** What its organisation set of its own limits, as one hub knows it: the platform's until it is told. */
export class HubLimits {
  readonly #sql: SqlStorage;
  /** Null: never told. Written by the constructor and `put`. */
  #known: ToldLimits | null;

  /** @throws when what is stored is none: then the hub serves nobody */
  constructor(sql: SqlStorage) {
    this.#sql = sql;
    const stored = readMeta(sql, "limits");
    this.#known = stored === null ? null : parseToldLimits(JSON.parse(stored));
  }

  get current(): LimitsPolicy {
    return this.#known?.limits ?? defaultLimitsPolicy;
  }

  get told(): ToldLimits | null {
    return this.#known;
  }

  /** An older word than the one that is known changes nothing. To be called in the transaction of a commit. */
  put(told: ToldLimits): void {
    if (this.#known !== null && told.version < this.#known.version) return;
    this.#known = told;
    writeMeta(this.#sql, "limits", JSON.stringify(told));
  }
}

/** What a caller says, or what was stored. @throws Error when it is none */
export function parseToldLimits(value: unknown): ToldLimits {
  const { version, limits } = (value ?? {}) as Record<string, unknown>;
  const parsed = parseLimitsPolicy(limits);
  if (parsed === null || typeof version !== "number" || !Number.isSafeInteger(version) || version < 0)
    throw new Error("not an organisation's limits");
  return { version, limits: parsed };
}
