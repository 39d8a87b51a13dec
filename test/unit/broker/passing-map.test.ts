import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PassingMap } from "../../../durable-objects/tenant-hub/broker/passing-map.ts";
import { PassingSet } from "../../../durable-objects/tenant-hub/broker/passing-set.ts";

type Deed = { readonly kind: "set" | "delete" | "oldest"; readonly key: number };

const deed: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom("set", "set", "delete", "oldest", "oldest"),
  key: fc.nat({ max: 40 }),
});

describe("a Map of what comes and goes", () => {
  it("holds what a Map holds, in the order it came, however often it began anew", () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 1500, size: "max" }), (deeds) => {
        const map = new Map<number, number>();
        const passing = new PassingMap<number, number>();
        for (const [value, { kind, key }] of deeds.entries()) {
          const [oldest = 0] = map.keys();
          if (kind === "set") {
            map.set(key, value);
            passing.set(key, value);
          } else {
            const gone = kind === "delete" ? key : oldest;
            expect(passing.delete(gone)).toBe(map.delete(gone));
          }
          expect([passing.size, passing.get(key), passing.has(key)]).toEqual([map.size, map.get(key), map.has(key)]);
        }
        expect([...passing]).toEqual([...map]);
        expect([[...passing.keys()], [...passing.values()]]).toEqual([[...map.keys()], [...map.values()]]);
      }),
      { numRuns: 60 },
    );
  });

  it("begins anew after a few deletions, and copies no more than was deleted", () => {
    const passing = new PassingMap<number, number>();
    const inside = (): unknown => Reflect.get(passing, "entries");
    for (let key = 0; key < 500; key += 1) passing.set(key, key);
    const first = inside();
    for (let key = 0; key < 249; key += 1) passing.delete(key);
    expect(inside()).toBe(first);
    passing.delete(249);
    expect(inside()).not.toBe(first);
    expect(passing.size).toBe(250);
    for (let key = 250; key < 500; key += 1) passing.delete(key);
    const few = inside();
    for (let key = 0; key < 65; key += 1) {
      passing.set(key, key);
      passing.delete(key);
    }
    expect(inside()).not.toBe(few);
  });
});

describe("a Set of what comes and goes", () => {
  it("holds what a Set holds, in the order it came, however often it began anew", () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 1500, size: "max" }), (deeds) => {
        const set = new Set<number>();
        const passing = new PassingSet<number>();
        for (const { kind, key } of deeds) {
          const [oldest = 0] = set;
          if (kind === "set") {
            set.add(key);
            passing.add(key);
          } else {
            const gone = kind === "delete" ? key : oldest;
            expect(passing.delete(gone)).toBe(set.delete(gone));
          }
          expect([passing.size, passing.has(key)]).toEqual([set.size, set.has(key)]);
        }
        expect([...passing]).toEqual([...set]);
      }),
      { numRuns: 60 },
    );
  });
});
