import { describe, expect, it } from "vitest";
import type { Activity } from "../../../workers/dashboard/src/api/audit-activity.ts";
import { viewOf } from "../../../workers/dashboard/src/pages/audit/activity/activity-columns.ts";
import { said } from "../../../workers/dashboard/src/pages/audit/activity/outcomes.ts";

const from = "2026-01-01T00:00:00.000Z";
const activity = (counts: Activity["counts"]): Activity => ({ from, step: 86_400, steps: 3, counts, complete: true });

describe("the activity of a log", () => {
  it("has a column for every day, also where nothing happened, and kinds by how often they did", () => {
    const view = viewOf(
      activity([
        { at: from, type: "login", outcome: "failure", count: 2 },
        { at: from, type: "login", outcome: "success", count: 3 },
        { at: "2026-01-03T00:00:00.000Z", type: "api_call", outcome: "success", count: 9 },
        // Of a server that shows more than was asked for.
        { at: "2026-01-04T00:00:00.000Z", type: "api_call", outcome: "success", count: 100 },
        { at: "2025-12-31T00:00:00.000Z", type: "api_call", outcome: "success", count: 100 },
      ]),
    );
    expect(view.columns.map(({ tally }) => tally)).toEqual([
      { success: 3, failure: 2, denied: 0 },
      { success: 0, failure: 0, denied: 0 },
      { success: 9, failure: 0, denied: 0 },
    ]);
    expect(view.types.map(({ type }) => type)).toEqual(["api_call", "login"]);
    expect([view.total, view.highest]).toEqual([{ success: 12, failure: 2, denied: 0 }, 9]);
  });

  it("is nothing when nothing happened, and says each count by its outcome", () => {
    expect(viewOf(activity([]))).toMatchObject({ highest: 0, types: [] });
    expect(said({ success: 0, failure: 0, denied: 0 })).toBe("nothing");
    expect(said({ success: 3, failure: 0, denied: 1 })).toBe("3 done, 1 denied");
  });
});
