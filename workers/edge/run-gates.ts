import { withDeadline } from "./deadline.ts";
import type { Additions, Admitted, AnyGate, Denial, RequestContext } from "./gates/gate.ts";
import { logFailure } from "./log.ts";

export type Verdict =
  | { readonly kind: "admitted"; readonly context: Admitted }
  | { readonly kind: "refused"; readonly gate: string; readonly denial: Denial };

/**
 * Runs the gates in order until one denies. An exception or a time-out is a denial (`unavailable`):
 * nothing here fails open (docs/adr/0005-fail-open-list.md).
 */
export async function runGates(gates: readonly AnyGate[], start: RequestContext): Promise<Verdict> {
  const { resolution } = start;
  let added: Partial<Additions> = {};
  for (const gate of gates) {
    if (resolution.kind === "miss" && gate.appliesTo === "known_route")
      return { kind: "refused", gate: "route", denial: missDenial(resolution) };
    const result = await judge(gate, { ...start, ...added } as Admitted);
    if (result.kind === "deny") return { kind: "refused", gate: gate.name, denial: result };
    added = merge(added, gate, result.adds);
  }
  if (resolution.kind === "miss") return { kind: "refused", gate: "route", denial: missDenial(resolution) };
  return { kind: "admitted", context: { ...start, ...added } as Admitted };
}

async function judge(gate: AnyGate, context: Admitted): Promise<{ kind: "allow"; adds: Partial<Additions> } | Denial> {
  try {
    const result = gate.judge(context);
    // What has answered already can't be late: no timer for the gates that only compute.
    return result instanceof Promise ? await withDeadline(gate.name, gate.deadlineMs, result) : result;
  } catch (error) {
    logFailure({ event: "gate_failed", requestId: context.requestId, where: gate.name }, error);
    return { kind: "deny", code: "unavailable" };
  }
}

/** A gate adds what it declared, all of it, and changes nothing that is there. */
function merge(have: Partial<Additions>, gate: AnyGate, adds: Partial<Additions>): Partial<Additions> {
  const names = Object.keys(adds);
  const declared: readonly string[] = gate.adds;
  if (names.length !== declared.length || names.some((name) => !declared.includes(name) || name in have))
    throw new Error(`gate ${gate.name} added something else than it declares`);
  return { ...have, ...adds };
}

function missDenial(miss: { readonly code: Denial["code"]; readonly allow: readonly string[] }): Denial {
  return miss.allow.length === 0
    ? { kind: "deny", code: miss.code }
    : { kind: "deny", code: miss.code, headers: { Allow: miss.allow.join(", ") } };
}
