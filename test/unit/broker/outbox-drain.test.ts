import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import {
  backoffMsMax,
  type DrainState,
  drainBegin,
  drainDelayMs,
  drainOnce,
  drainRecordsMax,
  nextAttemptMs,
} from "../../../durable-objects/tenant-hub/outbox-drain.ts";
import type { OutboxRow } from "../../../durable-objects/tenant-hub/outbox-store.ts";

/** A Postgres that fails when told, and refuses some records always. */
class Scene {
  rows: OutboxRow[];
  readonly arrived: number[] = [];
  readonly parked: number[] = [];
  state: DrainState = drainBegin;
  readonly poison: ReadonlySet<number>;

  constructor(count: number, poison: readonly number[] = []) {
    this.rows = Array.from({ length: count }, (_, seq) => ({
      seq,
      bytes: 1,
      record: { seq } as unknown as IngestRecord,
    }));
    this.poison = new Set(poison);
  }

  /** @param up whether Postgres answers the n-th call of this attempt */
  async attempt(up: (call: number) => boolean): Promise<void> {
    let call = 0;
    const result = await drainOnce(this.state, {
      peek: (recordsMax) => this.rows.slice(0, recordsMax),
      remove: (gone) => {
        this.rows = this.rows.filter((row) => !gone.includes(row));
      },
      park: (gone) => {
        this.parked.push(gone.seq);
        this.rows = this.rows.filter((row) => row !== gone);
      },
      write: async (records) => {
        const seqs = records.map((record) => (record as unknown as { seq: number }).seq);
        if (!up(call++) || seqs.some((seq) => this.poison.has(seq))) throw new Error("refused");
        this.arrived.push(...seqs);
      },
    });
    this.state = result.state;
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 500 && this.rows.length > 0; turn += 1) await this.attempt(() => true);
  }
}

describe("draining", () => {
  it("keeps everything, in order, however long Postgres is down", async () => {
    const scene = new Scene(50);
    for (let turn = 0; turn < 100; turn += 1) await scene.attempt(() => false);
    expect([scene.rows.length, scene.parked]).toEqual([50, []]);
    await scene.settle();
    expect(scene.arrived).toEqual(Array.from({ length: 50 }, (_, seq) => seq));
  });

  it("parks exactly the records that are refused while others go through", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat({ max: 25 }), { maxLength: 4 }), async (poison) => {
        const scene = new Scene(40, poison);
        await scene.settle();
        // A refused record can only be told from an outage while something behind it goes through.
        expect(scene.rows).toEqual([]);
        expect([...scene.parked].sort((a, b) => a - b)).toEqual([...poison].sort((a, b) => a - b));
        const fine = Array.from({ length: 40 }, (_, seq) => seq).filter((seq) => !poison.includes(seq));
        expect([...scene.arrived].sort((a, b) => a - b)).toEqual(fine);
      }),
      { numRuns: 50 },
    );
  });

  it("parks nothing when Postgres comes back between two calls of one attempt", async () => {
    const scene = new Scene(20);
    for (let turn = 0; turn < 12; turn += 1) await scene.attempt((call) => turn >= 8 && call > 0);
    expect(scene.parked).toEqual([]);
  });

  it("loses and parks nothing over any history of outages", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async (history) => {
        const scene = new Scene(30);
        for (const up of history) await scene.attempt(() => up);
        await scene.settle();
        expect(scene.parked).toEqual([]);
        expect(scene.arrived).toEqual(Array.from({ length: 30 }, (_, seq) => seq));
      }),
      { numRuns: 50 },
    );
  });
});

describe("the next attempt", () => {
  it("comes a second after a success and at most half a minute after a failure", () => {
    expect(nextAttemptMs(drainBegin, 1000, 0.5)).toBe(1000 + drainDelayMs);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, jitter) => {
          const wait = nextAttemptMs({ failures, batchMax: drainRecordsMax }, 0, jitter);
          expect(wait).toBeGreaterThanOrEqual(1000);
          expect(wait).toBeLessThanOrEqual(backoffMsMax);
        },
      ),
    );
  });
});
