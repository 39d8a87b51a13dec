import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { Effect, RetainedRequest, Write } from "../broker/events.ts";
import { retainedMatching } from "../broker/retained.ts";
import type { Message } from "../broker/session.ts";
import type { HubName } from "./home.ts";
import { emptyDigest, Interest } from "./interest.ts";
import { InterestPeer } from "./interest-peer.ts";
import { decodeRelayed } from "./relay-codec.ts";
import { callHub } from "./shard-call.ts";
import type { ShardHost } from "./shard-host.ts";

/** A SUBACK waits no longer than this for a shard that does not answer, in milliseconds. */
const subackMsMax = 5000;
const retryMsMin = 250;
const retryMsMax = 15_000;
/** With the waits doubling, some two minutes; the interest itself is retried for ever, by alarm. */
const attemptsMax = 14;

/**
 * The directory's side of subscriptions: makes sure that every shard knows what is subscribed to here
 * before the SUBACK says so, and brings what the shards retain. A message that a device was acknowledged
 * for after the SUBACK therefore reaches the subscriber, as in one object.
 */
export class Announcer {
  private readonly host: ShardHost;
  private readonly interest: Interest;
  private readonly peers = new Map<HubName, InterestPeer>();
  /** Per running question, the topics that brought something newer meanwhile. */
  private readonly questions = new Set<Set<TopicName>>();
  private dirty = false;

  /** @param names the shards */
  constructor(host: ShardHost, names: readonly HubName[]) {
    this.host = host;
    this.interest = new Interest((filter) => {
      this.dirty = true;
      for (const peer of this.peers.values()) peer.touch(filter);
    });
    for (const session of host.state.sessions.values()) {
      if (session.principal.kind !== "user") continue;
      for (const [text, { spec, qos }] of session.subscriptions) this.interest.put(session.key, text, spec.filter, qos);
    }
    const known = new Map(
      host.sql
        .exec("SELECT shard, digest FROM interest_known")
        .toArray()
        .map((row) => [String(row["shard"]), String(row["digest"])] as const),
    );
    for (const name of names) this.peers.set(name, this.peer(name, known.get(name) ?? emptyDigest));
  }

  get hasPeers(): boolean {
    return this.peers.size > 0;
  }

  /** Every write passes here. Only users' sessions count: a device's own topics never leave its home. */
  observe(write: Write): void {
    switch (write.kind) {
      case "put_subscription":
        if (!isUsers(write.key)) return;
        this.interest.put(write.key, write.text, write.subscription.spec.filter, write.subscription.qos);
        return;
      case "delete_subscription":
        this.interest.delete(write.key, write.text);
        return;
      case "delete_session":
        this.interest.deleteSession(write.key);
        return;
      default:
        return;
    }
  }

  /** After a commit, on waking and on an alarm: tells whoever does not know. */
  resume(): void {
    for (const peer of this.peers.values()) if (!peer.isCurrent) void this.tell(peer);
  }

  /** After a commit. */
  flush(): void {
    if (!this.dirty) return;
    this.dirty = false;
    this.resume();
  }

  /** A shard says what it holds. */
  heardFrom(name: HubName, digest: string | null): void {
    if (digest === null) return;
    this.peers.get(name)?.heard(digest);
    this.resume();
  }

  /** A message came from a shard: whatever a question still brings of its topic is older. */
  heardOf({ topic }: Message): void {
    for (const newer of this.questions) newer.add(topic);
  }

  /** Answers a SUBSCRIBE: the SUBACK, then what the shards retain. */
  announce({ socket, suback, requests }: Effect & { readonly kind: "announce" }): void {
    const { host } = this;
    const newer = new Set<TopicName>();
    this.questions.add(newer);
    let answered = false;
    let early: (readonly (readonly Message[])[])[] = [];
    const answer = (): void => {
      if (!answered) {
        host.perform([{ kind: "send", socket, packet: suback }]);
        this.deliver(requests, this.retainedHere(requests), newer);
      }
      answered = true;
      for (const lists of early) this.deliver(requests, lists, newer);
      early = [];
      host.commit();
    };
    const timer = setTimeout(answer, subackMsMax);
    const asked = [...this.peers].map(async ([name, peer]) => {
      early.push(await this.ask(name, peer, requests));
      if (answered) answer();
    });
    void Promise.all(asked).then(() => {
      clearTimeout(timer);
      answer();
      this.questions.delete(newer);
    });
  }

  /** The directory may still hold devices that have not moved. */
  private retainedHere(requests: readonly RetainedRequest[]): Message[][] {
    const { host } = this;
    if (host.state.retained.size === 0) return [];
    return requests.map(({ subscription }) => [
      ...host.retained(retainedMatching(host.state, subscription.spec.filter)),
    ]);
  }

  private deliver(
    requests: readonly RetainedRequest[],
    lists: readonly (readonly Message[])[],
    newer: ReadonlySet<TopicName>,
  ): void {
    const { host } = this;
    for (const [index, request] of requests.entries()) {
      const session = host.state.sessions.get(request.session);
      // It may be gone, or replaced by one with a question of its own.
      if (session?.subscriptions === undefined) continue;
      if (![...session.subscriptions.values()].includes(request.subscription)) continue;
      const messages = (lists[index] ?? []).filter(({ topic }) => !newer.has(topic));
      if (messages.length > 0) host.run({ kind: "retained_loaded", request, messages });
    }
  }

  /** What a shard retains for each request, once it knows the interest; nothing when it can't be reached for long. */
  private async ask(
    name: HubName,
    peer: InterestPeer,
    requests: readonly RetainedRequest[],
  ): Promise<readonly (readonly Message[])[]> {
    const filters = requests.map(({ subscription }) => subscription.spec.filter);
    const { env, org } = this.host;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      try {
        if (await this.tell(peer)) {
          if (filters.length === 0) return [];
          const lists = await callHub(env.TENANT_HUB, org, name, { kind: "retained", filters });
          return lists.map((rows) => rows.flatMap((row) => decodeRelayed(row).map(({ message }) => message)));
        }
      } catch {
        // The shard is away: again.
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(retryMsMax, retryMsMin * 2 ** attempt)));
    }
    return [];
  }

  private async tell(peer: InterestPeer): Promise<boolean> {
    if (await peer.sync()) return true;
    this.host.arm(Date.now() + retryMsMax);
    return false;
  }

  private peer(name: HubName, digest: string): InterestPeer {
    const { host } = this;
    return new InterestPeer(
      {
        interest: this.interest,
        send: (change) => callHub(host.env.TENANT_HUB, host.org, name, { kind: "interest", change }),
        confirmed: (confirmed) =>
          host.sql.exec("INSERT OR REPLACE INTO interest_known (shard, digest) VALUES (?, ?)", name, confirmed),
      },
      digest,
    );
  }
}

function isUsers(key: string): boolean {
  return key.startsWith("usr_");
}
