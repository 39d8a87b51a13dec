import type { OrgId } from "../../core/ids.ts";
import type { VerifiedCall } from "../../core/mesh/claims.ts";
import type { OrgScope } from "../../store/control/org-scope.ts";
import { callScope } from "../../store/control/scope-makers.ts";

/** The authority of a verified call for this organisation. Tests alone may say that they verified one. */
export function scopeOf(org: OrgId): OrgScope {
  const scope = callScope({ org } as VerifiedCall);
  if (scope === null) throw new Error("a call of no organisation has no scope");
  return scope;
}
