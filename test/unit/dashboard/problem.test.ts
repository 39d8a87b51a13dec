import { describe, expect, it } from "vitest";
import { problemBody } from "../../../core/problem.ts";
import { ApiProblem, parseProblem, problemOf } from "../../../workers/dashboard/src/api/problem.ts";

const headers = { requestId: "req_header", retryAfter: null };

describe("what a person is told of a failure", () => {
  it("reads title, detail, fields and request id of a problem", () => {
    const body = problemBody("invalid_request", "req_1", {
      detail: "Look at the name",
      errors: [{ path: "name", message: "is too long" }],
    });
    expect(parseProblem(body, 422, headers)).toMatchObject({
      code: "invalid_request",
      detail: "Look at the name",
      requestId: "req_1",
      errors: [{ path: "name", message: "is too long" }],
    });
  });

  it("says how long to wait when the server says so", () => {
    expect(parseProblem(problemBody("rate_limited", "req_1"), 429, { ...headers, retryAfter: "12" })).toMatchObject({
      retryAfterSeconds: 12,
    });
    expect(parseProblem(null, 429, { ...headers, retryAfter: "Tue, 01 Jan" }).retryAfterSeconds).toBeNull();
  });

  it.each([null, "Bad gateway", [], { title: 7, errors: [{ path: 1 }, "x"] }])("survives the body %j", (body) => {
    expect(parseProblem(body, 502, headers)).toMatchObject({
      status: 502,
      title: "The server answered 502",
      requestId: "req_header",
      errors: [],
    });
  });

  it("shows a bug in the page as such", () => {
    expect(problemOf(new TypeError("x is undefined")).title).toBe("Something went wrong in this page");
    const fields = parseProblem(problemBody("forbidden", "req_1"), 403, headers);
    expect(problemOf(new ApiProblem(fields))).toBe(fields);
  });
});
