import { createHash, createHmac, randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { testMessage, webhookBytesMax, webhookPartBytes } from "../../../core/exports/webhook-parts.ts";
import { createWebhookPort, testWebhook } from "../../../workers/capabilities/exports/destinations/webhook-port.ts";
import { delivering, metaOf, resultOf } from "./support.ts";

interface Came {
  readonly id: string;
  readonly body: string;
  readonly genuine: boolean;
}
interface PartData {
  readonly part: number;
  readonly parts: number;
  readonly base64: string;
}
const secret = Uint8Array.from(randomBytes(32));
const came: Came[] = [];
/** Statuses of the next answers; 200 when there are none. 0: the connection is cut. */
const statuses: number[] = [];
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const piece of incoming) body += String(piece);
    const header = (name: string): string => String(incoming.headers[`webhook-${name}`]);
    const signed = `${header("id")}.${header("timestamp")}.${body}`;
    const signature = `v1,${createHmac("sha256", secret).update(signed).digest("base64")}`;
    came.push({ id: header("id"), body, genuine: signature === header("signature") });
    const status = statuses.shift() ?? 200;
    if (status === 0) {
      incoming.socket.destroy();
      return;
    }
    outgoing.writeHead(status, status === 302 ? { Location: "http://169.254.169.254/" } : {}).end("its own words");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  came.length = 0;
  statuses.length = 0;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const bytes = Uint8Array.from(randomBytes(2 * webhookPartBytes + 77));
const port = () => createWebhookPort(delivering([origin]), `${origin}/hook`, secret);
const dataOf = ({ body }: Came): PartData => (JSON.parse(body) as { data: PartData }).data;

describe("an address that takes exports", () => {
  it("is posted the bytes in signed parts, and last what they come to", async () => {
    const meta = metaOf(bytes.length);
    expect(await port().deliver(resultOf(bytes), meta)).toEqual({ ok: true, place: new URL(origin).host });
    expect(came.every(({ genuine }) => genuine)).toBe(true);
    expect(came.map(({ id }) => id)).toEqual([...[1, 2, 3].map((part) => `${meta.id}.${part}`), `${meta.id}.complete`]);
    const parts = came.slice(0, -1).map(dataOf);
    expect(parts.map(({ part, parts: of }) => [part, of])).toEqual([1, 2, 3].map((part) => [part, 3]));
    expect(Buffer.concat(parts.map(({ base64 }) => Buffer.from(base64, "base64"))).equals(bytes)).toBe(true);
    expect(dataOf(came.at(-1) as Came)).toMatchObject({
      export: meta.id,
      rows: 3,
      bytes: bytes.length,
      parts: 3,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
  });

  it("is posted an empty export as one empty part", async () => {
    expect((await port().deliver(resultOf(new Uint8Array(0)), metaOf(0))).ok).toBe(true);
    expect(came).toHaveLength(2);
  });

  it("gets the same messages again when it is delivered again: they can be told as repetitions", async () => {
    const meta = metaOf(bytes.length);
    await port().deliver(resultOf(bytes), meta);
    const first = came.splice(0).map(({ id, body }) => ({ id, body }));
    await port().deliver(resultOf(bytes), meta);
    expect(came.map(({ id, body }) => ({ id, body }))).toEqual(first);
  });

  it.each([[500], [503], [429], [408], [0]])("is asked again after %i", async (status) => {
    statuses.push(200, status, status);
    expect((await port().deliver(resultOf(bytes), metaOf(bytes.length))).ok).toBe(true);
    expect(came).toHaveLength(6);
    expect(came[1]?.body).toBe(came[3]?.body);
  });

  it.each([[400], [401], [403], [404], [410], [413], [302]])("that answers %i is asked once", async (status) => {
    statuses.push(200, status);
    const outcome = await port().deliver(resultOf(bytes), metaOf(bytes.length));
    expect(outcome).toEqual({ ok: false, code: "refused" });
    expect(came).toHaveLength(2);
  });

  it("is not told that an export is whole when its result is cut off", async () => {
    await expect(port().deliver(resultOf(bytes.subarray(1)), metaOf(bytes.length))).rejects.toThrow("another length");
    expect(came.some(({ id }) => id.endsWith(".complete"))).toBe(false);
  });

  it("is not begun with what is too large for messages", async () => {
    expect(await port().deliver(resultOf(bytes), metaOf(webhookBytesMax + 1))).toEqual({ ok: false, code: "refused" });
    expect(came).toHaveLength(0);
  });

  it("is never called when it is no public one, whoever stored it", async () => {
    const inside = createWebhookPort(delivering([]), `${origin}/hook`, secret);
    expect(await inside.deliver(resultOf(bytes), metaOf(bytes.length))).toEqual({ ok: false, code: "refused" });
    expect(came).toHaveLength(0);
  });

  it("takes a message that carries nothing, as a test", async () => {
    const message = testMessage("exd_1", "1", "2026-11-23T00:00:00.000Z");
    const outcome = await testWebhook(delivering([origin]), `${origin}/hook`, secret, message);
    expect([outcome.ok, came[0]?.genuine]).toEqual([true, true]);
  });
});
