import type { ProviderReturn } from "../../api/sign-in.ts";

/** What a provider sent the browser back with (RFC 6749 section 4.1.2, RFC 9207). */
export type Returned =
  | { readonly kind: "code"; readonly returned: ProviderReturn }
  /** The provider said no, or the person did. Its words are not shown: anybody can write them into a link. */
  | { readonly kind: "refused"; readonly cancelled: boolean }
  | { readonly kind: "incomplete" };

export function readReturn(search: string): Returned {
  const query = new URLSearchParams(search);
  const error = query.get("error");
  if (error !== null) return { kind: "refused", cancelled: error === "access_denied" };
  const code = query.get("code");
  const state = query.get("state");
  if (code === null || code === "" || state === null || state === "") return { kind: "incomplete" };
  const iss = query.get("iss");
  return { kind: "code", returned: { code, state, ...(iss === null ? {} : { iss }) } };
}
