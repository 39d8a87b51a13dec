import type { RemovedFactor } from "../../../../store/control/factors/remove.ts";
import { type Refusal, refuse } from "../../http/result.ts";

/** Why a factor stays. */
export function refusalOfRemoval(kind: Exclude<RemovedFactor["kind"], "removed">): Refusal {
  if (kind === "not_found") return refuse("not_found");
  if (kind === "needed")
    return refuse("conflict", { detail: "Your password is too short to stand alone. Set a longer one first." });
  return refuse("conflict", {
    detail: "It is your last second factor, and an organisation of yours asks for one. Set up another first.",
  });
}
