import { describe, expect, it } from "vitest";
import { decide } from "../../../workers/edge/gates/waf/decide.ts";
import { attacks } from "./corpora/attacks.ts";
import { benignQueries, benignTexts, benignUserAgents } from "./corpora/benign.ts";
import { requestWith } from "./waf-request.ts";

describe("honest text passes", () => {
  it("has a corpus worth the name", () => {
    expect(benignTexts.length + benignUserAgents.length + benignQueries.length).toBeGreaterThanOrEqual(60);
  });

  it.each(benignTexts)("%j in a body, a query and a cookie", (text) => {
    for (const target of ["body_value", "body_key", "query_value", "query_name", "cookie", "referer"] as const) {
      const request = requestWith(target, text);
      if (request !== null) expect({ target, ...decide(request) }).toMatchObject({ allowed: true });
    }
  });

  it.each(benignUserAgents)("%s", (text) => {
    expect(decide(requestWith("user_agent", text)!)).toMatchObject({ allowed: true });
  });

  it.each(benignQueries)("?%s", (rawQuery) => {
    const request = { rawPath: "/", rawQuery, headers: new Headers(), body: null, exemptions: [] };
    expect(decide(request)).toEqual({ allowed: true, score: 0, findings: [] });
  });
});

describe("attacks are refused", () => {
  it("has a corpus worth the name", () => {
    expect(attacks.length).toBeGreaterThanOrEqual(60);
  });

  it.each(attacks)("%s: %j", (target, text) => {
    expect(decide(requestWith(target, text)!)).toMatchObject({ allowed: false });
  });
});
