import { withDeadline } from "../deadline.ts";
import type { Admitted } from "../gates/gate.ts";
import { answerHere } from "./edge.ts";
import { forwardToHub } from "./hub.ts";
import { forwardToStudio } from "./studio.ts";

/** Studio hashes passwords and waits for Postgres; past this the client has given up. Milliseconds. */
const forwardDeadlineMs = 30_000;

/**
 * Gives an admitted request to whoever serves its route.
 * @throws what the unit throws, or DeadlineExceeded: the caller answers `unavailable`
 */
export async function forward(admitted: Admitted): Promise<Response> {
  const { resolution } = admitted;
  if (resolution.kind === "miss") throw new Error("a miss was admitted");
  const unit = resolution.match.route.servedBy;
  return await withDeadline(unit, forwardDeadlineMs, serve(unit, admitted, resolution));
}

function serve(
  unit: "edge" | "studio" | "hub",
  admitted: Admitted,
  route: Extract<Admitted["resolution"], { kind: "route" }>,
): Promise<Response> {
  switch (unit) {
    case "edge":
      return answerHere(admitted, route);
    case "studio":
      return forwardToStudio(admitted, route);
    case "hub":
      return forwardToHub(admitted, route);
  }
}
