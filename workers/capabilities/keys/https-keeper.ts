import { base64url } from "jose";
import {
  assertWrappable,
  KeyUnavailable,
  type KeyWrapper,
  wrappedCharactersMax,
  wrappedKeyBytes,
} from "../../../core/crypto/key-wrapper.ts";
import type { KeeperAnswer, KeeperFetch } from "./keeper-fetch.ts";

/**
 * A keeper of the organisation's own behind HTTPS (docs/runbooks/byok.md has the protocol, and
 * `npm run sentinel -- keeper` is one that keeps its key in a file): JSON is posted to `{address}/wrap` and
 * `{address}/unwrap`, with a bearer token.
 *
 * 200 is an answer; 408, 429 and 5xx say "later"; anything else says no.
 */
export interface HttpsKeeperSettings {
  /** Where it is, without a slash at the end. */
  readonly address: string;
}

/** @param token what the keeper knows us by */
export function createHttpsKeeper(fetchKeeper: KeeperFetch, settings: HttpsKeeperSettings, token: string): KeyWrapper {
  const ask = async (verb: "wrap" | "unwrap", fields: Readonly<Record<string, string>>): Promise<unknown> => {
    const headers = {
      "Content-Type": "application/json",
      Accept: "application/json",
      Authorization: `Bearer ${token}`,
    };
    const answer = await fetchKeeper(`${settings.address}/${verb}`, headers, JSON.stringify({ version: 1, ...fields }));
    if (answer.status !== 200) throw new KeyUnavailable(reasonOf(answer));
    return answer.body?.[verb === "wrap" ? "wrapped" : "key"];
  };
  return {
    async wrap(org, key, purpose) {
      assertWrappable(key, purpose);
      const wrapped = await ask("wrap", { org, purpose, key: base64url.encode(key) });
      if (typeof wrapped !== "string" || wrapped.length > wrappedCharactersMax || !/^[\x21-\x7e]+$/.test(wrapped))
        throw new KeyUnavailable("malformed");
      return wrapped;
    },
    async unwrap(org, wrapped, purpose) {
      const key = await ask("unwrap", { org, purpose, wrapped });
      // 32 bytes are 43 characters; nothing longer is even decoded.
      if (typeof key !== "string" || !/^[A-Za-z0-9_-]{43}$/.test(key)) throw new KeyUnavailable("malformed");
      const bytes = Uint8Array.from(base64url.decode(key));
      if (bytes.length !== wrappedKeyBytes) throw new KeyUnavailable("malformed");
      return bytes;
    },
  };
}

function reasonOf({ status }: KeeperAnswer): "refused" | "unreachable" {
  return status === 408 || status === 429 || status >= 500 ? "unreachable" : "refused";
}
