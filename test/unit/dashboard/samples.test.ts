import { describe, expect, it } from "vitest";
import {
  addReading,
  fromBuckets,
  liveReadingsMax,
  mergeReadings,
  type Reading,
  summarize,
  toColumns,
} from "../../../workers/dashboard/src/charts/samples.ts";

const reading = (at: number, cpu = at): Reading => ({ at, metrics: { cpu_percent: cpu } });
const times = (readings: readonly Reading[]): number[] => readings.map(({ at }) => at);

describe("collecting live readings", () => {
  it("keeps them in the order in which they were read, not heard", () => {
    const heard = [5, 15, 10].reduce<readonly Reading[]>((all, at) => addReading(all, reading(at)), []);
    expect(times(heard)).toEqual([5, 10, 15]);
  });

  it("takes a reading sent twice once", () => {
    const once = addReading([reading(5), reading(10)], reading(15));
    expect(addReading(once, reading(10, 99))).toBe(once);
  });

  it("forgets the oldest beyond its bound", () => {
    let all: readonly Reading[] = [];
    for (let at = 0; at < liveReadingsMax + 3; at += 1) all = addReading(all, reading(at));
    expect(all).toHaveLength(liveReadingsMax);
    expect(all[0]?.at).toBe(3);
  });
});

describe("joining history and live readings", () => {
  it("does not draw twice what history already holds", () => {
    const joined = mergeReadings([reading(0), reading(10)], [reading(8), reading(10), reading(12)], 0);
    expect(times(joined)).toEqual([0, 10, 12]);
  });

  it("drops what has left the range", () => {
    expect(times(mergeReadings([reading(0), reading(10)], [reading(20)], 10))).toEqual([10, 20]);
  });

  it("puts buckets in order and skips one without a time", () => {
    const bucket = (at: string) => ({ at, samples: 1, metrics: {} });
    const read = fromBuckets([bucket("1970-01-01T00:00:20Z"), bucket("never"), bucket("1970-01-01T00:00:10Z")]);
    expect(times(read)).toEqual([10, 20]);
  });
});

describe("columns for drawing", () => {
  it("breaks the line where the device was silent", () => {
    const columns = toColumns([reading(0), reading(10), reading(100)], ["cpu_percent"], 30);
    expect(columns).toEqual({ at: [0, 10, 25, 100], values: [[0, 10, null, 100]] });
  });

  it("leaves a hole where one metric of a reading is missing", () => {
    const columns = toColumns([reading(0), { at: 5, metrics: { other: 1 } }], ["cpu_percent", "other"], 30);
    expect(columns.values).toEqual([
      [0, null],
      [null, 1],
    ]);
  });

  it("sums up in words, counting no holes", () => {
    expect(summarize([4, null, 8, null])).toEqual({ points: 2, latest: 8, lowest: 4, mean: 6, highest: 8 });
    expect(summarize([null])).toEqual({ points: 0, latest: null, lowest: null, mean: null, highest: null });
  });
});
