import { logFailure } from "./log.ts";
import type { RequestContext } from "./pipeline/request-context.ts";

/** Lets work go on after the answer; what fails of it is logged and is nobody's any more. */
export function afterAnswer(
  { services, requestId, routeName }: Pick<RequestContext, "services" | "requestId" | "routeName">,
  step: string,
  work: Promise<unknown>,
): void {
  services.defer(work.catch((error: unknown) => logFailure({ request_id: requestId, route: routeName, step }, error)));
}
