import { type Refusal, refuse } from "../http/result.ts";

/** What a writer is asked to wait, in seconds: most organisations are copied in less, and the next refusal says it again. */
const retryAfterSeconds = 15;

/** The refusal of a write while the organisation is being copied to another placement. */
export function orgMoving(): Refusal {
  return refuse("org_moving", { headers: { "Retry-After": String(retryAfterSeconds) } });
}
