/** What the attacks on sessions share: everything that one sign-in leaves in a thief's hands, and what of it still opens. */
import { exchangeSession } from "../../../workers/studio/auth/exchange-session.ts";
import type { Account, Harness } from "../../postgres/studio/harness.ts";

export const requestId = "req_01h455vb4pex5vsknk084sn02q";

export const secretOf = (account: Account): string => account.cookie.split("=")[1] ?? "";

/** A cookie's value as the edge trades it: `ok` or `refused`. */
export async function trade(studio: Harness, secret: string): Promise<string> {
  return (await exchangeSession(studio.studio.services, secret, null, requestId)).kind;
}

/** Which of a sign-in's three credentials still open anything. Tries the refresh token last, because that spends it. */
export async function whatOpens(studio: Harness, account: Account): Promise<string[]> {
  const opens: string[] = [];
  if ((await trade(studio, secretOf(account))) === "ok") opens.push("cookie");
  if ((await studio.send("GET", "/api/v1/me", { token: account.token })).status === 200) opens.push("access token");
  const body = { refresh_token: account.refreshToken };
  if ((await studio.send("POST", "/api/v1/auth/refresh", { body })).status === 200) opens.push("refresh token");
  return opens;
}
