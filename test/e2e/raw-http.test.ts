import { createConnection } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { upgradesAtOnceMax } from "../../workers/edge/upgrades.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";

/*
 * What a client library would never send. In production Cloudflare's own parser stands in front and gives a Worker
 * one parsed request; here it is the runtime's parser that has to hold, so these are its guarantees as we rely on them.
 */

let stack: BorrowedStack;
let port: number;
beforeAll(async () => {
  stack = await borrowStack();
  port = Number(new URL(stack.description.url).port);
});
afterAll(async () => {
  await stack?.discard();
});

/** Sends bytes as they are; resolves with all that came back by the time the server closes, or a second of silence. */
function raw(...lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    let text = "";
    socket.setEncoding("latin1");
    socket.setTimeout(1_500, () => socket.destroy());
    socket.on("data", (chunk) => {
      text += String(chunk);
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    socket.write(lines.join("\r\n"), "latin1");
  });
}
const statuses = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
const host = "Host: localhost";
const smuggled = ["GET /api/openapi.json HTTP/1.1", host, "", ""];
const login = "POST /api/v1/auth/login HTTP/1.1";
const json = "Content-Type: application/json";

describe("a second request inside the first", () => {
  it.each<[string, string[]]>([
    ["two lengths that disagree", [login, host, json, "Content-Length: 2", "Content-Length: 60", "", "{}"]],
    ["a length and chunks", [login, host, json, "Content-Length: 4", "Transfer-Encoding: chunked", "", "0", "", ""]],
    [
      "chunks under two names",
      [login, host, json, "Transfer-Encoding: chunked", "Transfer-Encoding: x", "", "0", "", ""],
    ],
    ["chunks that are misspelt", [login, host, json, "Transfer-Encoding: xchunked", "", "0", "", ""]],
    ["a length that is no number", [login, host, json, "Content-Length: +2", "", "{}"]],
    ["a space before the colon", [login, host, json, "Content-Length : 60", "", ""]],
    ["a folded field", [login, host, json, "X-A: b", " Content-Length: 60", "", "{}"]],
    ["a chunk whose size is none", [login, host, json, "Transfer-Encoding: chunked", "", "0x2", "{}", "0", "", ""]],
  ])("is never answered as one of its own: %s", async (_what, first) => {
    const answer = await raw(...first, ...smuggled);
    // The document that the hidden request asks for would be a 200.
    expect(statuses(answer)).not.toContain(200);
    expect(answer).not.toContain('"openapi"');
  });

  it("is answered where it is one: the test would see it", async () => {
    const first = [login, host, json, "Content-Length: 2", "", "{}"];
    const answer = await raw(...first.slice(0, -1), `{}${smuggled[0]}`, ...smuggled.slice(1));
    expect(statuses(answer)).toContain(200);
  });
});

describe("a request line", () => {
  it("that names another host by an absolute address is judged by path alone, and makes no other origin", async () => {
    const answer = await raw("GET http://evil.example/api/v1/me HTTP/1.1", host, "Connection: close", "", "");
    expect(statuses(answer)).toHaveLength(1);
    expect([400, 401, 404]).toContain(statuses(answer)[0]);
    expect(answer).not.toMatch(/^(?:Location|Content-Security-Policy):[^\r]*evil/im);
  });

  it.each([
    ["with a control character in its path", "GET /api/v1/\x01me HTTP/1.1"],
    ["without a version", "GET /api/v1/me"],
    ["of another protocol", "GET /api/v1/me SPDY/3"],
    ["to nowhere in particular", "CONNECT evil.example:443 HTTP/1.1"],
  ])("%s serves nobody", async (_what, line) => {
    const answer = await raw(line, host, "Connection: close", "", "");
    expect(statuses(answer).filter((status) => status < 400)).toEqual([]);
  });
});

describe("fields", () => {
  it("beyond what we take are refused, and the next request is served", async () => {
    const many = Array.from({ length: 200 }, (_, index) => `X-Field-${index}: 1`);
    const answer = await raw("GET /healthz HTTP/1.1", host, ...many, "Connection: close", "", "");
    expect([413, 431]).toContain(statuses(answer)[0]);
    expect((await fetch(`${stack.description.url}/healthz`)).status).toBe(200);
  });

  it("with a line break in their value split nothing", async () => {
    const answer = await raw(
      "GET /healthz HTTP/1.1",
      host,
      "X-Request-Id: a\nSet-Cookie: b=c",
      "Connection: close",
      "",
      "",
    );
    expect(answer).not.toMatch(/^Set-Cookie/im);
  });
});

describe("upgrades whose clients leave before they are answered", () => {
  const upgrade = (address: string): string =>
    [
      `GET /mqtt/${stack.description.org.slug} HTTP/1.1`,
      host,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      "Sec-WebSocket-Protocol: mqtt",
      `CF-Connecting-IP: ${address}`,
      "",
      "",
    ].join("\r\n");

  /** Asks and leaves again, some milliseconds later, whatever came. */
  function leave(address: string, afterMs: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = createConnection({ port, host: "127.0.0.1" }, () => {
        socket.write(upgrade(address), () => setTimeout(() => socket.destroy(), afterMs));
      });
      socket.on("error", () => undefined);
      socket.on("close", () => resolve());
    });
  }

  it("keep no place: three times as many as there are, and the next who comes is taken", async () => {
    const count = 3 * upgradesAtOnceMax;
    const atOnce = 32;
    for (let at = 0; at < count; at += atOnce)
      await Promise.all(
        Array.from({ length: atOnce }, (_, index) => leave(`10.1.${at >> 5}.${index + 1}`, index % 12)),
      );
    const status = async (): Promise<number | undefined> => statuses(await raw(upgrade("10.2.0.1")))[0];
    // What the last ones began is brought to its end first.
    await expect.poll(status, { timeout: 120_000, interval: 200 }).toBe(101);
  });
});
