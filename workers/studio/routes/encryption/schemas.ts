import { z } from "@hono/zod-openapi";
import { keeperKinds } from "../../../../core/crypto/data-key-set.ts";
import { keyUnavailableReasons } from "../../../../core/crypto/key-wrapper.ts";
import { addressCharactersMax } from "../../../../core/outside-address.ts";
import type { EncryptionState } from "../../../../core/rpc/data.ts";
import type { KeeperInput } from "../../../../core/rpc/encryption.ts";
import { idText, instant } from "../../http/schemas.ts";

/** Longest token of a key service: a signed token of some claims is below. */
const tokenCharactersMax = 2_048;
/** AWS's own lengths are 20 and 40; they promise 128 at most. */
const awsCharactersMax = 128;
/** ASCII that is neither space nor control: what a header takes (RFC 6750 section 2.1 is narrower). */
const visible = /^[\x21-\x7e]+$/;

/** Whether an address may be called, capabilities decide, who call it. */
export const keeperBody = z.discriminatedUnion("keeper", [
  z.strictObject({ keeper: z.literal("sentinel") }),
  z.strictObject({
    keeper: z.literal("https"),
    address: z
      .string()
      .max(addressCharactersMax)
      .refine(
        (text) => URL.canParse(text) && !/[/?#]$|[?#]/.test(text),
        "must be an address without a slash at the end",
      ),
    token: z.string().min(16).max(tokenCharactersMax).regex(visible),
  }),
  z.strictObject({
    keeper: z.literal("aws_kms"),
    key_arn: z
      .string()
      .max(2 * awsCharactersMax)
      .regex(/^arn:aws(?:-cn|-us-gov)?:kms:[a-z0-9-]+:\d{12}:key\/[0-9a-z-]{1,64}$/, "must be the ARN of a key"),
    access_key_id: z.string().min(16).max(awsCharactersMax).regex(/^\w+$/),
    secret_access_key: z.string().min(16).max(awsCharactersMax).regex(visible),
  }),
]);

export function keeperOf(body: z.output<typeof keeperBody>): KeeperInput {
  switch (body.keeper) {
    case "sentinel":
      return { kind: "sentinel" };
    case "https":
      return { kind: "https", address: body.address, token: body.token };
    case "aws_kms":
      return {
        kind: "aws_kms",
        keyArn: body.key_arn,
        accessKeyId: body.access_key_id,
        secretAccessKey: body.secret_access_key,
      };
  }
}

const dataKey = z.object({
  id: idText,
  created_at: instant,
  /** Messages that were reserved of it; at 2^30 the next key takes over. */
  messages_reserved: z.int(),
  current: z.boolean(),
});
export const encryptionAnswer = z.object({
  keeper: z.enum(keeperKinds),
  /** Of an `https` keeper. */
  address: z.string().nullable(),
  /** Of `aws_kms`. */
  key_arn: z.string().nullable(),
  access_key_id: z.string().nullable(),
  changed_by: idText.nullable(),
  changed_at: instant.nullable(),
  /** When the keeper last answered, to the minute. */
  unwrapped_at: instant.nullable(),
  failed_at: instant.nullable(),
  /** Why it failed then. */
  failure: z.enum(keyUnavailableReasons).nullable(),
  data_keys: z.array(dataKey),
});

export function encryptionView(state: EncryptionState): z.input<typeof encryptionAnswer> {
  const setting = (name: string): string | null => {
    const value = state.keeper.settings[name];
    return typeof value === "string" ? value : null;
  };
  return {
    keeper: state.keeper.kind,
    address: setting("address"),
    key_arn: setting("key_arn"),
    access_key_id: setting("access_key_id"),
    changed_by: state.changedBy,
    changed_at: state.changedAt,
    unwrapped_at: state.unwrappedAt,
    failed_at: state.failedAt,
    failure: state.failure,
    data_keys: state.keys.map((key) => ({
      id: key.id,
      created_at: key.createdAt,
      messages_reserved: key.messagesReserved,
      current: key.current,
    })),
  };
}
