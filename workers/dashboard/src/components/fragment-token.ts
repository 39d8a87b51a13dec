import { useState } from "react";

/**
 * The token of a link in an e-mail. It stands in the fragment, which is not sent to any server nor
 * written to its logs; it is taken out of the address bar as soon as it is read.
 */
export function useFragmentToken(): string | null {
  const [token] = useState(() => readFragmentToken(window.location.hash));
  if (token !== null && window.location.hash !== "") {
    window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
  }
  return token;
}

/** Accepts `#token` and `#token=…`. */
export function readFragmentToken(hash: string): string | null {
  const text = hash.startsWith("#") ? hash.slice(1) : hash;
  if (text === "") return null;
  const named = new URLSearchParams(text).get("token");
  const token = named ?? text;
  return token === "" ? null : token;
}
