import type { ProviderReturn } from "../../api/sign-in.ts";

/** What a provider sent the browser back with (RFC 6749 section 4.1.2, RFC 9207). */
export type Returned =
  | { readonly kind: "returned"; readonly returned: ProviderReturn }
  /** Nothing that a sign-in could be completed, or be called off, with. */
  | { readonly kind: "incomplete" };

/** Its error's description is left out: anybody can write one into a link. */
export function readReturn(search: string): Returned {
  const query = new URLSearchParams(search);
  const get = (name: string): string | null => (query.get(name) === "" ? null : query.get(name));
  const state = get("state");
  const error = get("error");
  const code = get("code");
  if (state === null || (error === null) === (code === null)) return { kind: "incomplete" };
  const iss = get("iss");
  const issued = iss === null ? {} : { iss };
  if (error !== null) return { kind: "returned", returned: { error, state, ...issued } };
  return code === null ? { kind: "incomplete" } : { kind: "returned", returned: { code, state, ...issued } };
}

/** Whether the person said no at the provider (RFC 6749 section 4.1.2.1). */
export function wasCancelled(returned: ProviderReturn): boolean {
  return "error" in returned && returned.error === "access_denied";
}
