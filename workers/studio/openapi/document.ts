import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { problems } from "../../../core/problem.ts";
import type { RouteDefinition } from "../http/define-route.ts";

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.enum(Object.keys(problems) as [keyof typeof problems]),
    request_id: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi("Problem");

/** Tells the generator of every definition. */
export function registerDefinitions(app: OpenAPIHono, definitions: readonly RouteDefinition[]): void {
  const registry = app.openAPIRegistry;
  registry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer", bearerFormat: "JWT" });
  registry.registerComponent("securitySchemes", "operator", {
    type: "http",
    scheme: "bearer",
    description: "The platform's operator alone",
  });
  registry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: "__Host-sentinel_session",
  });
  for (const definition of definitions) registry.registerPath(pathOf(definition));
}

/** The OpenAPI 3.1 document of everything registered. */
export function openApiDocument(app: OpenAPIHono, publicUrl: URL): object {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Sentinel", version: "1", description: "Devices of an organisation, watched and managed." },
    servers: [{ url: publicUrl.origin }],
  });
}

function securityOf(policy: RouteDefinition["spec"]["policy"]): Record<string, string[]>[] {
  switch (policy.kind) {
    case "public":
      return [];
    case "operator":
      return [{ operator: [] }];
    case "signed_in":
    case "permission":
      return [{ bearer: [] }, { session: [] }];
  }
}

function pathOf({ name, spec, params, query, body, status, answer, media }: RouteDefinition) {
  const shape = { ...((params as { shape?: Record<string, z.ZodType> } | null)?.shape ?? {}) };
  if (spec.path.includes("{org}")) shape["org"] = z.string().openapi({ description: "The organisation's id or slug" });
  const headers =
    spec.method === "GET" ? {} : { headers: z.object({ "Idempotency-Key": z.string().max(255).optional() }) };
  const success =
    status === 204
      ? { description: "Done" }
      : { description: "OK", content: { [media ?? "application/json"]: { schema: answer } } };
  return {
    ...createRoute({
      operationId: name,
      summary: spec.summary,
      method: spec.method.toLowerCase() as Lowercase<typeof spec.method>,
      path: spec.path.replace("*}", "}"),
      security: securityOf(spec.policy),
      request: {
        params: z.object(shape),
        ...(query === null ? {} : { query: query as z.ZodObject }),
        ...(body === null ? {} : { body: { required: true, content: { "application/json": { schema: body } } } }),
        ...headers,
      },
      responses: {
        [status]: success,
        default: { description: "A problem", content: { "application/problem+json": { schema: problemSchema } } },
      },
    }),
    "x-sentinel-policy": spec.policy,
  };
}
