import { createHash } from "node:crypto";
import { operatorTokenPattern } from "../../../core/routes/operator.ts";
import { sameBytes } from "./keys.ts";

/**
 * True when an Authorization header carries the operator's token. Studio knows its SHA-256 alone, which
 * opens nothing; the hashes are compared in constant time, so how long a refusal takes says nothing
 * about the token (ASVS 11.2.4).
 * @param header the header as it came
 * @param tokenSha256 32 bytes
 */
export function isOperator(header: string | null, tokenSha256: Uint8Array): boolean {
  const token = /^Bearer (\S+)$/i.exec(header ?? "")?.[1];
  if (token === undefined || !operatorTokenPattern.test(token)) return false;
  return sameBytes(createHash("sha256").update(token).digest(), tokenSha256);
}
