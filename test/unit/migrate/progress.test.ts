import { describe, expect, it } from "vitest";
import type { PlannedTenant } from "../../../scripts/migrate/tenants/plan.ts";
import { progressBar, progressText, showProgress } from "../../../scripts/migrate/tenants/progress.ts";
import { runReport } from "../../../scripts/migrate/tenants/report.ts";

const tenant = (org: string) => ({ org }) as unknown as PlannedTenant;
const counts = { done: 500, pending: 2000, busy: 0, failed: 0, elapsedMs: 20_000 };

describe("progress", () => {
  it("says how many of how many, how fast and how long still, and what went wrong", () => {
    expect(progressText(counts)).toBe("500 of 2000 tenants, 25.0 a second, 60 s left");
    expect(progressText({ ...counts, busy: 3, failed: 1 })).toMatch(/, 3 busy, 1 failed$/);
    expect(progressText({ ...counts, pending: 10_500 })).toMatch(/7 min left/);
    expect(progressText({ ...counts, done: 0 })).toBe("0 of 2000 tenants, 0.0 a second");
    expect(progressBar(counts)).toMatch(/^\[#{6}\.{18}\] 500 of/);
  });

  it.each([
    [true, /^\r\[/],
    [false, /^\d+ of 3 tenants[^\r]*\n$/],
  ])("is a bar that redraws itself on a terminal (%s), and lines elsewhere", (isTerminal, form) => {
    const written: string[] = [];
    let now = 0;
    const progress = showProgress({ write: (text) => void written.push(text), isTerminal, now: () => now });
    progress.planned({ pending: 3, current: 0 });
    for (const org of ["a", "b", "c"]) {
      now += 6_000;
      progress.outcome(tenant(org), { kind: "migrated", number: 1 });
    }
    progress.end();
    for (const text of written.filter((one) => one !== "\n")) expect(text).toMatch(form);
    expect(written.join("")).toContain("3 of 3 tenants, 0.2 a second");
  });
});

describe("the report", () => {
  it("names who failed with file, SQLSTATE and message, and how to go on", () => {
    const failed = [
      { org: "org_a", placement: "in-1", kind: "failed", file: "0005_x.sql", code: "42P07", message: "there" },
    ];
    const base = {
      migrated: 3,
      current: 2,
      unmade: 1,
      blocked: [],
      stopped: "the canary failed",
      untried: 7,
      corrected: 0,
    };
    const lines = runReport({ ...base, failed } as unknown as Parameters<typeof runReport>[0]);
    expect(lines).toContain("org_a (in-1) failed: 0005_x.sql 42P07 there");
    expect(lines.join("\n")).toMatch(/the canary failed; 7 were not tried/);
  });

  it("stays readable however many failed", () => {
    const failed = Array.from({ length: 1000 }, (_, index) => ({ org: `org_${index}`, code: "42P07", message: "m" }));
    const lines = runReport({ failed, blocked: [], stopped: null } as unknown as Parameters<typeof runReport>[0]);
    expect(lines.length).toBeLessThan(60);
    expect(lines.at(-1)).toBe("… and 950 more");
  });
});
