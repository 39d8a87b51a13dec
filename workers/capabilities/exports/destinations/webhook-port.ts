/** An organisation's own address that takes an export as signed messages. */
import { createHash } from "node:crypto";
import { ByteQueue } from "../../../../core/byte-queue.ts";
import { webhookHeaders } from "../../../../core/crypto/webhook-signature.ts";
import type {
  DeliveryOutcome,
  DestinationPort,
  ExportMeta,
  ResultBytes,
} from "../../../../core/exports/destination.ts";
import * as parts from "../../../../core/exports/webhook-parts.ts";
import { parseOutsideAddress } from "../../../../core/outside-address.ts";
import { askPatiently } from "./ask-outside.ts";
import type { DeliveryDependencies } from "./bucket-port.ts";
import { exactPieces } from "./exact-pieces.ts";

type Failure = Extract<DeliveryOutcome, { ok: false }>;
type Post = (message: parts.ExportMessage) => Promise<Failure | null>;

/** An address, opened. Every message has the same id and the same bytes each time, so a repetition can be told. */
export function createWebhookPort(
  dependencies: DeliveryDependencies,
  address: string,
  secret: Uint8Array<ArrayBuffer>,
): DestinationPort {
  return {
    async deliver(result, meta) {
      if (meta.sizeBytes > parts.webhookBytesMax) return { ok: false, code: "refused" };
      const failure = await postAll(poster(dependencies, address, secret), result, meta);
      return failure ?? { ok: true, place: new URL(address).host };
    },
  };
}

/** Posts a message that carries nothing, to show that the address takes one. */
export async function testWebhook(
  dependencies: DeliveryDependencies,
  address: string,
  secret: Uint8Array<ArrayBuffer>,
  message: parts.ExportMessage,
): Promise<DeliveryOutcome> {
  const failure = await poster(dependencies, address, secret)(message);
  return failure ?? { ok: true, place: new URL(address).host };
}

function poster(
  { ask, wait, now, loopback }: DeliveryDependencies,
  address: string,
  secret: Uint8Array<ArrayBuffer>,
): Post {
  const url = parseOutsideAddress(address, loopback);
  return async ({ id, body }) => {
    if (url === null) return { ok: false, code: "refused" };
    const answer = await askPatiently(ask, wait, async () => ({
      method: "POST",
      url,
      headers: {
        ...(await webhookHeaders({ id, sentAtMs: now(), body }, [secret])),
        "content-type": "application/json",
      },
      body,
    }));
    return typeof answer === "string" ? { ok: false, code: answer } : null;
  };
}

async function postAll(post: Post, result: ResultBytes, meta: ExportMeta): Promise<Failure | null> {
  const digest = createHash("sha256");
  const queue = new ByteQueue();
  let part = 0;
  const postPart = (bytes: Uint8Array<ArrayBuffer>): Promise<Failure | null> => {
    part += 1;
    digest.update(bytes);
    return post(parts.partMessage(meta, part, Buffer.from(bytes).toString("base64")));
  };
  for await (const piece of exactPieces(result.read(), meta.sizeBytes)) {
    queue.push(piece);
    while (queue.length >= parts.webhookPartBytes) {
      const failure = await postPart(queue.take(parts.webhookPartBytes));
      if (failure !== null) return failure;
    }
  }
  if (queue.length > 0 || part === 0) {
    const failure = await postPart(queue.take(queue.length));
    if (failure !== null) return failure;
  }
  return await post(parts.completeMessage(meta, digest.digest("hex")));
}
