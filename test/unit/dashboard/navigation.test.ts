import { describe, expect, it } from "vitest";
import { path, queryString } from "../../../workers/dashboard/src/api/client.ts";
import { readFragmentToken } from "../../../workers/dashboard/src/components/fragment-token.ts";
import { returnPath, signInPath } from "../../../workers/dashboard/src/components/return-path.ts";
import { mqttUrl } from "../../../workers/dashboard/src/live/open-client.ts";
import { suggestSlug } from "../../../workers/dashboard/src/pages/orgs/suggest-slug.ts";

describe("coming back after signing in", () => {
  it("returns to the page that was asked for", () => {
    const asked = { pathname: "/o/demo/audit", search: "?type=login" };
    const door = new URL(signInPath(asked), "http://here.test");
    expect(door.pathname).toBe("/o/demo/sign-in");
    expect(returnPath(door.searchParams.get("next"))).toBe("/o/demo/audit?type=login");
  });

  it("leads to an organisation's own door for its pages, and to the platform's for the others", () => {
    expect(signInPath({ pathname: "/o/demo", search: "" })).toBe("/o/demo/sign-in");
    expect(signInPath({ pathname: "/", search: "" })).toBe("/sign-in");
    expect(signInPath({ pathname: "/account/security", search: "" })).toBe("/sign-in?next=%2Faccount%2Fsecurity");
  });

  it.each([
    null,
    "",
    "https://evil.test/o/demo",
    "//evil.test/o/demo",
    "/.//evil.test/o/demo",
    "/o/..//evil.test/",
    "/\\evil.test",
    "javascript:alert(1)",
    "/\t/evil.test",
    "/sign-in?next=/sign-in",
    "/sign-in/callback?code=c&state=s",
    "/o/demo/sign-in?next=/o/demo/sign-in",
  ])("goes home rather than to %j", (wanted) => expect(returnPath(wanted)).toBe("/"));
});

describe("addresses", () => {
  it("lets no value climb out of its segment", () => {
    expect(path("orgs", "../me", "devices")).toBe("/orgs/..%2Fme/devices");
  });

  it("leaves out what is not asked", () => {
    expect(queryString({ type: "", cursor: null, limit: 50 })).toBe("?limit=50");
    expect(queryString({})).toBe("");
  });

  it("speaks MQTT to its own host, encrypted when the page is", () => {
    expect(mqttUrl({ protocol: "https:", host: "sentinel.test" }, "org_a")).toBe("wss://sentinel.test/mqtt/org_a");
    expect(mqttUrl({ protocol: "http:", host: "localhost:8787" }, "org_a")).toBe("ws://localhost:8787/mqtt/org_a");
  });

  it("reads a mailed token from the fragment in either form", () => {
    expect(readFragmentToken("#token=abc-_9")).toBe("abc-_9");
    expect(readFragmentToken("#abc-_9")).toBe("abc-_9");
    expect(readFragmentToken("#")).toBeNull();
    expect(readFragmentToken("#token=")).toBeNull();
  });

  it.each([
    ["Demo Secondary School", "demo-secondary-school"],
    ["  École nº 7! ", "ecole-no-7"],
    ["—", ""],
    [`${"a".repeat(39)} b`, "a".repeat(39)],
  ])("suggests for %j the slug %j", (name, slug) => expect(suggestSlug(name)).toBe(slug));
});
