import { parseLoopbackOrigins } from "../../core/outside-address.ts";
import { StackError } from "./stack-error.ts";

/**
 * The binding `[ai]` on this machine, where Workers AI can't be: workerd's own, with a server on loopback in the place of
 * Cloudflare's, which is sent what the binding sends (`MF-URL` and `MF-Header-*` say where to and under which headers).
 * @param origin LOOPBACK_WORKERS_AI; empty: there is no binding, whatever wrangler.toml says
 * @returns options of the Worker that asks
 * @throws StackError `broken_state`
 */
export function localAi(origin: string | undefined): { readonly ai?: object } {
  if (origin === undefined || origin === "") return {};
  try {
    const [only, ...more] = parseLoopbackOrigins("LOOPBACK_WORKERS_AI", origin);
    if (only === undefined || more.length > 0) throw new Error("LOOPBACK_WORKERS_AI is one origin");
    return { ai: { binding: "AI", remoteProxyConnectionString: new URL(only) } };
  } catch (error) {
    throw new StackError(
      "broken_state",
      (error as Error).message,
      "Such as LOOPBACK_WORKERS_AI=http://127.0.0.1:9000.",
    );
  }
}
