import type { RouteSpec } from "../../core/routes.ts";
import { permissions } from "../../core/tenancy/roles.ts";
import type { CallerKind, RouteDefinition } from "./http/define-route.ts";

/**
 * What must hold before studio answers anything: every route of the table that studio serves has exactly
 * one definition, every definition a policy that the pipeline knows, and a handler for just that caller.
 * @throws naming the route
 */
export function assertRoutes(
  definitions: readonly RouteDefinition[],
  table: Readonly<Record<string, RouteSpec>>,
): void {
  for (const [name, spec] of Object.entries(table)) {
    callerOf(name, spec);
    const count = definitions.filter((definition) => definition.name === name).length;
    if (spec.servedBy === "studio" && count !== 1) throw new Error(`route ${name} has ${count} handlers, not one`);
    if (spec.servedBy !== "studio" && count !== 0) throw new Error(`route ${name} is not studio's to serve`);
  }
  for (const definition of definitions) {
    const spec = table[definition.name];
    if (spec === undefined || spec !== definition.spec) throw new Error(`route ${definition.name} is not in the table`);
    if (callerOf(definition.name, spec) !== definition.caller) {
      throw new Error(`route ${definition.name} is defined for another caller than its policy's`);
    }
    assertParams(definition);
  }
}

function callerOf(name: string, spec: RouteSpec): CallerKind {
  // The type says that a policy is there; this guards what was cast, generated or merged badly.
  const policy: RouteSpec["policy"] | undefined = spec.policy;
  switch (policy?.kind) {
    case "public":
      if (policy.why.trim() === "") throw new Error(`route ${name} is public and does not say why`);
      return "anyone";
    case "signed_in":
      return "person";
    case "permission":
      if (!permissions.includes(policy.permission)) throw new Error(`route ${name} asks for an unknown permission`);
      if (!spec.path.includes("/{org}")) throw new Error(`route ${name} asks for a permission in no organisation`);
      return "member";
    case "operator":
      // An organisation's own people must never come near: its geo policy and its slug have no say here.
      if (spec.path.includes("/{org}")) throw new Error(`route ${name} is the operator's and names an organisation`);
      if (spec.rateClass !== "sign_in") throw new Error(`route ${name} is the operator's and not counted as a sign-in`);
      return "operator";
    default:
      throw new Error(`route ${name} has no policy`);
  }
}

/** The path's parameters other than `org` are exactly those of the schema. */
function assertParams({ name, spec, params }: RouteDefinition): void {
  const wanted = [...spec.path.matchAll(/\{(\w+)\*?\}/g)].map((match) => match[1]).filter((param) => param !== "org");
  const shape: unknown = (params as { shape?: unknown } | null)?.shape ?? {};
  const given = Object.keys(shape as object);
  if (wanted.toSorted().join() !== given.toSorted().join()) {
    throw new Error(`route ${name} does not parse its path parameters`);
  }
}
