import { describe, expect, it } from "vitest";
import { allDefinitions } from "../../../workers/studio/routes/definitions.ts";
import { type AnyRoute, allRoutes, bodyOf, inventedThings, pathOf } from "../../support/route-inputs.ts";

/** What test/e2e/permissions.test.ts sends, before any stack is started. */

const definitions = allDefinitions(() => ({}));

describe("what a walk over all routes sends", () => {
  const sent = allRoutes.filter(([, { servedBy }]) => servedBy === "studio");

  it.each(sent)("%s takes: a body of its shape exactly where it takes one", (...route) => {
    const [name, { method }] = route;
    const { body: schema = null } = definitions.find((definition) => definition.name === name) ?? {};
    const body = bodyOf(route);
    expect(body === undefined).toBe(schema === null);
    if (schema === null) return;
    expect(method).not.toBe("GET");
    expect(schema.safeParse(body).error?.issues).toBeUndefined();
  });

  it("is missing for a new route or a new parameter, and that stops it with what to add", () => {
    const [, known] = allRoutes[0] as AnyRoute;
    const fresh: AnyRoute = ["brandNew", { ...known, method: "POST", path: "/api/v1/orgs/{org}/{novelty}" }];
    expect(() => bodyOf(fresh)).toThrow("the route brandNew is new here: add a body");
    expect(() => pathOf(fresh, { org: "demo", ...inventedThings() })).toThrow("{novelty}: make one in `makeThings`");
  });
});
