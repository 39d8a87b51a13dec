import type { OrgId } from "../../../core/ids.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { Env } from "../../env.ts";
import type { BrokerEvent, Effect, StoredMessage } from "../broker/events.ts";
import type { Message, SessionKey } from "../broker/session.ts";
import type { BrokerState } from "../broker/state.ts";
import type { HubName } from "./home.ts";

/** What the shell of a hub object offers to the part of it that speaks with the tenant's other objects. */
export interface ShardHost {
  readonly env: Env;
  readonly sql: SqlStorage;
  readonly org: OrgId;
  /** This object's own. */
  readonly name: HubName;
  readonly state: BrokerState;
  /** Takes the broker through an event; nothing is stored or sent before `commit`. */
  run(event: BrokerEvent): void;
  perform(effects: readonly Effect[]): void;
  commit(): void;
  /** Adds a change to the transaction of the next commit. */
  alongside(change: () => void): void;
  messages(key: SessionKey, seqs: readonly number[]): readonly StoredMessage[];
  retained(topics: readonly TopicName[]): readonly Message[];
  /** Rings the object's alarm no later than this. */
  arm(atMs: number): void;
}
