import { createHash } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { operatorTokenPrefix } from "../../core/routes/operator.ts";
import type { StackSecrets } from "./secrets.ts";

const tokenOf = (secrets: StackSecrets): string => operatorTokenPrefix + secrets.operatorToken;

/** What studio is given of the operator's token: its SHA-256, lower-case hex. */
export function operatorTokenSha256(secrets: StackSecrets): string {
  return createHash("sha256").update(tokenOf(secrets)).digest("hex");
}

/** Writes the token where `npm run sentinel` finds it, readable by this user alone. */
export function writeOperatorToken(path: string, secrets: StackSecrets): string {
  writeFileSync(path, `${tokenOf(secrets)}\n`, { mode: 0o600 });
  // The mode above holds for a new file only; one that is there keeps what somebody gave it.
  chmodSync(path, 0o600);
  return path;
}
