import type { AskOutside } from "./ask-outside.ts";

/** Nobody wants any more what is being delivered, or somebody else delivers it. */
export class ClaimLost extends Error {
  override readonly name = "ClaimLost";
}

/**
 * Asks while the job is ours. Each request renews the claim before it goes out: a request takes a minute at most and a
 * claim is good for two, so a delivery takes as long as it takes and nobody else begins it meanwhile.
 * @param renew false: the claim is lost
 * @returns a way outside that throws {@link ClaimLost} in place of a request; what clears up behind itself still goes
 */
export function whileClaimed(ask: AskOutside, renew: () => Promise<boolean>): AskOutside {
  return async (request) => {
    if (request.method !== "DELETE" && !(await renew())) throw new ClaimLost();
    return ask(request);
  };
}
