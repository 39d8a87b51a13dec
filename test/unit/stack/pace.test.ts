import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parsePace } from "../../../core/pace.ts";
import { repositoryRoot } from "../../../scripts/units.ts";

describe("PACE", () => {
  it("is 1 where it is not set and where it is deployed, so that a minute is a minute", () => {
    expect(parsePace(undefined)).toBe(1);
    for (const config of ["wrangler.toml", "durable-objects/wrangler.toml"])
      expect(readFileSync(join(repositoryRoot, config), "utf8"), config).toMatch(/^PACE = "1"$/m);
  });
  it("is only ever faster, up to sixty times", () => {
    expect(["1", "12", "60"].map(parsePace)).toEqual([1, 12, 60]);
  });
  it.each(["", "0", "-1", "0.5", "1.5", "61", "100", "1e1", " 2", "2 ", "Infinity", "NaN", 12, null])(
    "that is %j is refused: a policy that is never read anew would be one",
    (text) => {
      expect(() => parsePace(text)).toThrow(RangeError);
    },
  );
});
