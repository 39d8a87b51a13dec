/** A customer's own receiver of exports: a server on loopback that proves messages by Standard Webhooks. */
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Message {
  readonly path: string;
  readonly type: string;
  readonly data: { readonly base64?: string };
  /** True when it was signed with this secret, `whsec_…`. */
  isOf(secret: string): boolean;
}

export interface Receiver {
  readonly origin: string;
  /** In the order in which they came. */
  readonly came: readonly Message[];
  stop(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const came: Message[] = [];
  const server = createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const piece of incoming) body += String(piece);
    const header = (name: string): string => String(incoming.headers[`webhook-${name}`]);
    const signed = `${header("id")}.${header("timestamp")}.${body}`;
    const { type, data } = JSON.parse(body) as Pick<Message, "type" | "data">;
    came.push({
      path: incoming.url ?? "",
      type,
      data,
      isOf(secret) {
        const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
        return header("signature") === `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
      },
    });
    outgoing.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return { origin: `http://127.0.0.1:${port}`, came, stop };
}
