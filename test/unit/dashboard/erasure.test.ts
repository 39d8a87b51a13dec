import { describe, expect, it } from "vitest";
import { confirmedErasure, erasureWords } from "../../../workers/dashboard/src/pages/audit/erasure/confirmed.ts";
import { testText } from "../../../workers/dashboard/src/pages/audit/leaving/stream-state.ts";

const user = "usr_01jd3x2k8hf9v8v3k4m5n6p7qa";

describe("erasing a person", () => {
  it("goes on with a person's id and the words beside it, as somebody writes them", () => {
    expect(confirmedErasure(user, erasureWords)).toBe(user);
    expect(confirmedErasure(` ${user} `, "Erase for good ")).toBe(user);
  });

  it.each([
    [user, ""],
    [user, "erase"],
    [user, "erase for good now"],
    ["", erasureWords],
    ["dev_01jd3x2k8hf9v8v3k4m5n6p7qa", erasureWords],
    ["../members/usr_01jd3x2k8hf9v8v3k4m5n6p7qa", erasureWords],
    [`${user}/x`, erasureWords],
  ])("does nothing for %j and %j", (whom, words) => {
    expect(confirmedErasure(whom, words)).toBeNull();
  });
});

describe("a test message to a SIEM", () => {
  it("says in words what came of it", () => {
    expect(testText({ taken: true, failure: null, status: 204, took_ms: 31 })).toBe("Taken after 31 ms (204).");
    const failed = { taken: false, failure: "failing", status: 500, took_ms: 7 };
    expect(testText(failed)).toBe("Not taken after 7 ms: it answers with an error of its own (500).");
    const silent = { taken: false, failure: "unreachable", status: null, took_ms: 10_000 };
    expect(testText(silent)).toBe("Not taken after 10000 ms: it does not answer.");
  });
});
