import type { ProblemFields } from "../../api/problem.ts";
import type { ProofWays } from "../../components/proof-form.tsx";
import { secondWays } from "../../components/step-up-ways.ts";

/** What the server takes along with a reset link; where it names nothing, both things that can be typed. */
export function resetWays(problem: ProblemFields): ProofWays {
  const named = problem.extensions["factors"];
  const factors = Array.isArray(named) ? named : ["totp", "recovery_code"];
  return secondWays(factors, false);
}
