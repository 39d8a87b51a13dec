import * as z from "zod/mini";
import { call, path } from "./client.ts";

export const keeperKinds = ["sentinel", "https", "aws_kms"] as const;
export type KeeperKind = (typeof keeperKinds)[number];

const encryptionSchema = z.object({
  keeper: z.enum(keeperKinds),
  address: z.nullable(z.string()),
  key_arn: z.nullable(z.string()),
  access_key_id: z.nullable(z.string()),
  changed_at: z.nullable(z.string()),
  /** When the keeper last answered; null: it was not asked yet. */
  unwrapped_at: z.nullable(z.string()),
  failed_at: z.nullable(z.string()),
  failure: z.nullable(z.enum(["refused", "unreachable", "malformed", "shredded"])),
  data_keys: z.array(z.object({ id: z.string(), created_at: z.string(), current: z.boolean() })),
});
export type Encryption = z.infer<typeof encryptionSchema>;

/** What an owner names; the secrets go there and never come back. */
export type Keeper =
  | { readonly keeper: "sentinel" }
  | { readonly keeper: "https"; readonly address: string; readonly token: string }
  | {
      readonly keeper: "aws_kms";
      readonly key_arn: string;
      readonly access_key_id: string;
      readonly secret_access_key: string;
    };

export const encryptionKey = (org: string) => ["encryption", org] as const;

export function getEncryption(org: string, signal: AbortSignal): Promise<Encryption> {
  return call(path("orgs", org, "encryption"), encryptionSchema, { signal });
}

export function putEncryption(org: string, keeper: Keeper): Promise<Encryption> {
  return call(path("orgs", org, "encryption"), encryptionSchema, { method: "PUT", body: keeper });
}

/** Asks the keeper now, past what Sentinel holds in memory. */
export function verifyEncryption(org: string): Promise<Encryption> {
  return call(path("orgs", org, "encryption", "verify"), encryptionSchema, { method: "POST" });
}
