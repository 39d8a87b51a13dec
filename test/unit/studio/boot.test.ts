import { z } from "@hono/zod-openapi";
import { describe, expect, it } from "vitest";
import { type RoutePolicy, type RouteSpec, routes } from "../../../core/routes.ts";
import { createApp } from "../../../workers/studio/app.ts";
import { assertRoutes } from "../../../workers/studio/assert-routes.ts";
import { defineRoute, type RouteDefinition } from "../../../workers/studio/http/define-route.ts";
import { answer } from "../../../workers/studio/http/result.ts";
import { openApiDocument } from "../../../workers/studio/openapi/document.ts";
import { allDefinitions } from "../../../workers/studio/routes/definitions.ts";
import type { Services } from "../../../workers/studio/services.ts";

const definitions = allDefinitions(() => ({}));
/** Booting touches no service. */
const services = {} as Services;

/** The route table and its definitions with one route changed. */
function withRoute(name: keyof typeof routes, change: (spec: RouteSpec) => unknown) {
  const spec = change(routes[name]) as RouteSpec;
  const changed = definitions.map((definition) => (definition.name === name ? { ...definition, spec } : definition));
  return { table: { ...routes, [name]: spec }, definitions: changed as RouteDefinition[] };
}

describe("studio boots", () => {
  it("with every route that it serves", () => {
    expect(() => createApp(services, definitions)).not.toThrow();
  });

  it("not with a route without a policy", () => {
    const { table, definitions: changed } = withRoute("listMembers", ({ policy: _, ...rest }) => rest);
    expect(() => createApp(services, changed, table)).toThrow("route listMembers has no policy");
  });

  it("not with a policy that it does not know", () => {
    const { table, definitions: changed } = withRoute("listMembers", (spec) => ({ ...spec, policy: { kind: "open" } }));
    expect(() => createApp(services, changed, table)).toThrow("route listMembers has no policy");
  });

  it("not with a public route that does not say why", () => {
    const { table, definitions: changed } = withRoute("login", (spec) => ({
      ...spec,
      policy: { kind: "public", why: " " },
    }));
    expect(() => createApp(services, changed, table)).toThrow("does not say why");
  });

  it("not with a permission that nobody placed, or in no organisation", () => {
    const unknown = withRoute("getOrg", (spec) => ({
      ...spec,
      policy: { kind: "permission", permission: "org:sell" },
    }));
    expect(() => createApp(services, unknown.definitions, unknown.table)).toThrow("unknown permission");
    const nowhere = withRoute("me", (spec) => ({ ...spec, policy: { kind: "permission", permission: "org:read" } }));
    expect(() => createApp(services, nowhere.definitions, nowhere.table)).toThrow("in no organisation");
  });

  it("not with an operator's route that names an organisation, or is not counted as a sign-in", () => {
    const policy = { kind: "operator" } as const;
    const inside = withRoute("getOrg", (spec) => ({ ...spec, policy, rateClass: "sign_in" }));
    expect(() => createApp(services, inside.definitions, inside.table)).toThrow("names an organisation");
    const uncounted = withRoute("rotateKeys", (spec) => ({ ...spec, rateClass: "default" }));
    expect(() => createApp(services, uncounted.definitions, uncounted.table)).toThrow("not counted as a sign-in");
  });

  it("not when a handler expects less of its caller than the policy promises, or more", () => {
    const { table, definitions: changed } = withRoute("createOrg", (spec) => ({
      ...spec,
      policy: { kind: "public", why: "a slip" },
    }));
    expect(() => createApp(services, changed, table)).toThrow("another caller");
  });

  it("not when a route has no handler, or two", () => {
    expect(() => assertRoutes(definitions.slice(1), routes)).toThrow("has 0 handlers");
    expect(() => assertRoutes([...definitions, definitions[0]!], routes)).toThrow("has 2 handlers");
  });

  it("not when a route leaves a path parameter unparsed", () => {
    const changed = definitions.map((definition) =>
      definition.name === "getDevice" ? { ...definition, params: null } : definition,
    );
    expect(() => assertRoutes(changed, routes)).toThrow("path parameters");
  });
});

describe("a route", () => {
  it("without a policy does not type-check", () => {
    const { policy: _, ...rest } = routes.getOrg as RouteSpec;
    // @ts-expect-error a route has a policy
    const unguarded: RouteSpec = rest;
    // @ts-expect-error a public route says why
    const silent: RoutePolicy = { kind: "public" };
    expect([unguarded, silent]).toHaveLength(2);
  });

  it("outside the route table can't be defined, nor its handler reach for a person who is not there", () => {
    const shape = { caller: "anyone", status: 200, answer: z.object({ id: z.string() }) } as const;
    // @ts-expect-error only names of core/routes.ts
    const stray = defineRoute("backDoor", shape, async () => answer({ id: "" }));
    // @ts-expect-error a public route has no person
    const greedy = defineRoute("ready", shape, async ({ person }) => answer({ id: person.user }));
    expect([stray.spec, greedy.name]).toEqual([undefined, "ready"]);
  });
});

describe("the OpenAPI document", () => {
  const app = createApp(services, definitions);
  // biome-ignore lint/suspicious/noExplicitAny: a document is read by its paths
  const document = openApiDocument(app, new URL("https://sentinel.test")) as any;

  it("has every route that studio serves, with its policy", () => {
    expect(document.openapi).toBe("3.1.0");
    for (const [name, spec] of Object.entries(routes) as [string, RouteSpec][]) {
      if (spec.servedBy !== "studio") continue;
      const operation = document.paths[spec.path.replace("*}", "}")]?.[spec.method.toLowerCase()];
      expect([name, operation?.operationId]).toEqual([name, name]);
      expect(operation["x-sentinel-policy"]).toEqual(spec.policy);
      const person = [{ bearer: [] }, { session: [] }];
      const security = { public: [], signed_in: person, permission: person, operator: [{ operator: [] }] };
      expect(operation.security).toEqual(security[spec.policy.kind]);
    }
  });

  it("takes no secret in a path or query", () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path as object));
    const names = operations
      .flatMap(({ parameters }) => parameters ?? [])
      .filter((parameter: { in: string }) => parameter.in === "query" || parameter.in === "path")
      .map(({ name }: { name: string }) => name);
    // Each was looked at: `code`, `key`, `secret` and `session` are ids, `tokens` asks for tokens in the answer,
    // `keep_api_keys` is yes or no, `export` and `object` name a copy of a hub to the operator who made it, `q` is what somebody looks for.
    expect([...new Set(names)].sort().join(" ")).toBe(
      "actor address backend backup bin bundle code country cursor days device doc document exception export export_destination export_id format from group invitation keep_api_keys key kind limit llm_key llm_provider month object offset org outcome page part passkey policy provider q rest secret seq session share size step target tile to tokens type upload user version witness zone",
    );
  });

  it("describes strict bodies", () => {
    const body = document.paths["/api/v1/orgs"].post.requestBody.content["application/json"].schema;
    expect(body.additionalProperties).toBe(false);
    expect(body.required).toEqual(["name", "slug"]);
  });
});
