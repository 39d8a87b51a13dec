import type { TopicFilter } from "../../../core/topics/topic-filter.ts";
import type { Interest, InterestChange } from "./interest.ts";

export interface InterestPeerDependencies {
  readonly interest: Interest;
  /** @returns false when the shard holds another set than the change builds on */
  readonly send: (change: InterestChange) => Promise<boolean>;
  /** Remembers durably what the shard has confirmed. */
  readonly confirmed: (digest: string) => void;
}

/**
 * Keeps one shard's idea of the directory's interest up to date: what changed since it last confirmed, or
 * everything when the two don't agree on where they are. One call at a time.
 */
export class InterestPeer {
  private readonly deps: InterestPeerDependencies;
  /** What the shard has confirmed. */
  private digest: string;
  private changed = new Set<TopicFilter>();
  private everything: boolean;
  private waiting: ((reached: boolean) => void)[] = [];
  private running = false;

  /** @param digest what it confirmed in an earlier life of this object */
  constructor(deps: InterestPeerDependencies, digest: string) {
    this.deps = deps;
    this.digest = digest;
    this.everything = digest !== deps.interest.digest;
  }

  get isCurrent(): boolean {
    return this.digest === this.deps.interest.digest;
  }

  /** A filter came, went or changed its QoS. */
  touch(filter: TopicFilter): void {
    if (!this.everything) this.changed.add(filter);
  }

  /** The shard says what it holds. */
  heard(digest: string): void {
    if (this.running || digest === this.digest) return;
    this.digest = digest;
    this.everything = true;
  }

  /** True once the shard holds what the interest is at this moment; false when it could not be reached. */
  sync(): Promise<boolean> {
    if (this.isCurrent && !this.running) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.waiting.length > 0) {
      const { waiting } = this;
      this.waiting = [];
      const reached = await this.push();
      for (const resolve of waiting) resolve(reached);
    }
    this.running = false;
  }

  private async push(): Promise<boolean> {
    const { changed, everything } = this;
    try {
      if (this.isCurrent) return true;
      const change = this.change();
      this.changed = new Set();
      if (await this.deps.send(change)) {
        this.digest = change.digest;
        this.everything = false;
        this.deps.confirmed(change.digest);
        return true;
      }
      if (change.base === null) return false;
      this.everything = true;
      return await this.push();
    } catch {
      for (const filter of changed) this.changed.add(filter);
      if (everything) this.everything = true;
      return false;
    }
  }

  private change(): InterestChange {
    const { interest } = this.deps;
    const { digest } = interest;
    // What changes while everything is on its way must be in the next change.
    if (this.everything) {
      this.everything = false;
      return { base: null, digest, put: interest.entries(), remove: [] };
    }
    const put = [...this.changed].flatMap((filter) => {
      const qos = interest.qosOf(filter);
      return qos === null ? [] : [[filter, qos] as const];
    });
    const remove = [...this.changed].filter((filter) => interest.qosOf(filter) === null);
    return { base: this.digest, digest, put, remove };
  }
}
