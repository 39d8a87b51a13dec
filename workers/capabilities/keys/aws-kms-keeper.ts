import {
  assertWrappable,
  KeyUnavailable,
  type KeyUnavailableReason,
  type KeyWrapper,
  wrappedCharactersMax,
  wrappedKeyBytes,
} from "../../../core/crypto/key-wrapper.ts";
import type { OrgId } from "../../../core/ids.ts";
import { type AwsCredentials, signAws } from "../aws-signature.ts";
import type { KeeperAnswer, KeeperFetch } from "./keeper-fetch.ts";

/** A key in AWS KMS, by its ARN: region and partition stand in it, so no address has to be given. */
export interface AwsKmsSettings {
  readonly keyArn: string;
}

interface KmsKey {
  readonly region: string;
  readonly host: string;
}

/** Where each partition's services are. */
const partitionSuffixes: Readonly<Record<string, string>> = {
  aws: "amazonaws.com",
  "aws-us-gov": "amazonaws.com",
  "aws-cn": "amazonaws.com.cn",
};

/**
 * The key's region and host; null for what is no ARN of a key. An alias is none: it can be pointed at another
 * key, and what the first one wrapped would then be lost without anybody having said so.
 */
export function parseKeyArn(arn: string): KmsKey | null {
  const pattern =
    /^arn:(aws|aws-us-gov|aws-cn):kms:([a-z]{2}(?:-[a-z]{2,9}){1,3}-\d{1,2}):\d{12}:key\/(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/;
  const [, partition = "", region = ""] = pattern.exec(arn) ?? [];
  const suffix = partitionSuffixes[partition];
  return suffix === undefined ? null : { region, host: `kms.${region}.${suffix}` };
}

/** KMS's exceptions that say "later"; every other one says no (API reference, Decrypt and Encrypt, Errors). */
const transientErrors: ReadonlySet<string> = new Set([
  "DependencyTimeoutException",
  "KMSInternalException",
  "KeyUnavailableException",
  "ThrottlingException",
  "RequestLimitExceeded",
]);

export interface AwsKmsDependencies {
  readonly fetchKeeper: KeeperFetch;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Encrypt and Decrypt of one key, with organisation and purpose in the encryption context: KMS binds them to
 * the ciphertext, writes them to CloudTrail, and lets a key policy demand them.
 */
export function createAwsKmsKeeper(
  { fetchKeeper, now }: AwsKmsDependencies,
  { keyArn }: AwsKmsSettings,
  credentials: AwsCredentials,
): KeyWrapper {
  async function ask(
    action: "Encrypt" | "Decrypt",
    fields: Readonly<Record<string, unknown>>,
  ): Promise<NonNullable<KeeperAnswer["body"]>> {
    const key = parseKeyArn(keyArn);
    if (key === null) throw new KeyUnavailable("malformed");
    const body = JSON.stringify({ KeyId: keyArn, ...fields });
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": `TrentService.${action}` };
    const url = new URL(`https://${key.host}/`);
    const request = { method: "POST", url, region: key.region, service: "kms", headers, body, atMs: now() } as const;
    const answer = await fetchKeeper(url.href, await signAws(credentials, request), body);
    if (answer.status !== 200) throw new KeyUnavailable(reasonOf(answer));
    // An answer for another key is none: what it holds would be lost with that one.
    if (answer.body === null || answer.body["KeyId"] !== keyArn) throw new KeyUnavailable("malformed");
    return answer.body;
  }
  const contextOf = (org: OrgId, purpose: string) => ({ EncryptionContext: { org, purpose } });

  return {
    async wrap(org, key, purpose) {
      assertWrappable(key, purpose);
      const answer = await ask("Encrypt", { Plaintext: toBase64(key), ...contextOf(org, purpose) });
      const blob = answer["CiphertextBlob"];
      if (typeof blob !== "string" || blob.length > wrappedCharactersMax || !/^[A-Za-z0-9+/]+={0,2}$/.test(blob))
        throw new KeyUnavailable("malformed");
      return blob;
    },
    async unwrap(org, wrapped, purpose) {
      const answer = await ask("Decrypt", { CiphertextBlob: wrapped, ...contextOf(org, purpose) });
      const plaintext = answer["Plaintext"];
      // 32 bytes are 44 characters; nothing longer is even decoded.
      if (typeof plaintext !== "string" || !/^[A-Za-z0-9+/]{43}=$/.test(plaintext))
        throw new KeyUnavailable("malformed");
      const bytes = Uint8Array.from(atob(plaintext), (character) => character.charCodeAt(0));
      if (bytes.length !== wrappedKeyBytes) throw new KeyUnavailable("malformed");
      return bytes;
    },
  };
}

function reasonOf({ status, body }: KeeperAnswer): KeyUnavailableReason {
  const type = body?.["__type"];
  // Some answers name the exception with its namespace before a hash.
  const name = typeof type === "string" ? (type.split("#").at(-1) ?? "") : "";
  return status === 429 || status >= 500 || transientErrors.has(name) ? "unreachable" : "refused";
}

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
