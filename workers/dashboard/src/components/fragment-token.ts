import { useEffect, useState } from "react";

/**
 * The token of a link in an e-mail. It stands in the fragment, which is not sent to any server nor
 * written to its logs; it is taken out of the address bar as soon as it is read. A link that is opened
 * in the same tab changes the fragment alone and loads nothing, so that is listened for.
 */
export function useFragmentToken(): string | null {
  const [token, setToken] = useState(() => readFragmentToken(window.location.hash));
  useEffect(() => {
    const take = (): void => {
      const found = readFragmentToken(window.location.hash);
      if (found === null) return;
      window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
      setToken(found);
    };
    take();
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, []);
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
