import type { LlmRpc } from "../../../core/rpc/llm.ts";
import type { Role } from "../../../core/tenancy/roles.ts";

const managers: readonly Role[] = ["owner", "admin"];

/**
 * The second of three locks: studio has decided before, and row-level security decides after. It is a table of its own
 * on purpose, so that a mistake in one is not a mistake in all. No job may call anything here.
 */
export const methodRights: Readonly<Record<keyof LlmRpc, readonly Role[]>> = {
  listProviders: managers,
  addProvider: managers,
  changeProvider: managers,
  removeProvider: managers,
  namedKey: managers,
  putNamedKey: managers,
  revokeNamedKey: managers,
  // Whoever no provider names is offered none.
  models: ["owner", "admin", "analyst", "viewer", "readonly"],
  // Row-level security chooses whose use it is.
  usage: ["owner", "admin", "analyst", "viewer", "readonly"],
  // Each provider names its roles, too.
  complete: ["owner", "admin", "analyst", "viewer"],
  embed: ["owner", "admin", "analyst", "viewer"],
};
