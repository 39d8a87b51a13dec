import type { KeeperRecord } from "../../../core/crypto/data-key-set.ts";
import { KeyUnavailable, type KeyWrapper } from "../../../core/crypto/key-wrapper.ts";
import type { SentinelKeeper } from "../../../core/crypto/sentinel-keeper.ts";
import type { OrgId } from "../../../core/ids.ts";
import { parseOutsideAddress } from "../../../core/outside-address.ts";
import type { KeeperInput } from "../../../core/rpc/encryption.ts";
import { createAwsKmsKeeper, parseKeyArn } from "./aws-kms-keeper.ts";
import { createHttpsKeeper } from "./https-keeper.ts";
import type { KeeperFetch } from "./keeper-fetch.ts";

export interface KeepersDependencies {
  /** Sentinel's own; awaits nothing but WebCrypto. */
  readonly sentinel: () => Promise<SentinelKeeper>;
  readonly fetchKeeper: KeeperFetch;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Speaks to the keeper of a record, with the credentials that are sealed in it. */
export function createKeepers(dependencies: KeepersDependencies): (record: KeeperRecord) => KeyWrapper {
  return (record) => {
    const opened = (org: OrgId): Promise<KeyWrapper> => openKeeper(dependencies, record, org);
    return {
      wrap: async (org, key, purpose) => (await opened(org)).wrap(org, key, purpose),
      unwrap: async (org, wrapped, purpose) => (await opened(org)).unwrap(org, wrapped, purpose),
    };
  };
}

async function openKeeper(
  { sentinel, fetchKeeper, now }: KeepersDependencies,
  { kind, settings, credentials }: KeeperRecord,
  org: OrgId,
): Promise<KeyWrapper> {
  const own = await sentinel();
  const secrets = credentials === null ? "{}" : await own.openCredentials(org, credentials);
  const secret = JSON.parse(secrets) as Record<string, unknown>;
  // What is stored has been written by `recordOf`; anything else opens nothing.
  const text = (value: unknown): string => {
    if (typeof value !== "string") throw new KeyUnavailable("malformed");
    return value;
  };
  switch (kind) {
    case "sentinel":
      return own;
    case "https":
      return createHttpsKeeper(fetchKeeper, { address: text(settings["address"]) }, text(secret["token"]));
    case "aws_kms":
      return createAwsKmsKeeper(
        { fetchKeeper, now },
        { keyArn: text(settings["key_arn"]) },
        { accessKeyId: text(secret["access_key_id"]), secretAccessKey: text(secret["secret_access_key"]) },
      );
  }
}

/**
 * Whether a keeper that an owner names is one to be asked at all. Each call to it judges its address again.
 * @param loopback origins that development lets through as they are; empty in production
 */
export function mayKeep(keeper: KeeperInput, loopback: ReadonlySet<string>): boolean {
  switch (keeper.kind) {
    case "sentinel":
      return true;
    case "https":
      return parseOutsideAddress(keeper.address, loopback) !== null;
    case "aws_kms":
      return parseKeyArn(keeper.keyArn) !== null;
  }
}

/** What is stored of a keeper that an owner has named: its credentials sealed for this organisation. */
export async function recordOf(sentinel: SentinelKeeper, org: OrgId, input: KeeperInput): Promise<KeeperRecord> {
  const { kind } = input;
  switch (kind) {
    case "sentinel":
      return { kind, settings: {}, credentials: null };
    case "https": {
      const credentials = await sentinel.sealCredentials(org, JSON.stringify({ token: input.token }));
      return { kind, settings: { address: input.address }, credentials };
    }
    case "aws_kms": {
      const secret = { access_key_id: input.accessKeyId, secret_access_key: input.secretAccessKey };
      const credentials = await sentinel.sealCredentials(org, JSON.stringify(secret));
      return { kind, settings: { key_arn: input.keyArn, access_key_id: input.accessKeyId }, credentials };
    }
  }
}
