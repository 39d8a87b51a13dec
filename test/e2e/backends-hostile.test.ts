import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleWorker } from "../../scripts/bundle.ts";
import { externalService } from "../../scripts/stack/backends.ts";
import { findPort } from "../../scripts/stack/ports.ts";
import { startWorkerd, type Workerd } from "../../scripts/stack/workerd.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import type { Called } from "../../workers/studio/backends/call-backend.ts";
import { CertificateMaker } from "../support/certificates.ts";
import { echoRegistration } from "../support/echo-backend.ts";

// Studio's own code calls, from workerd and over TLS with both certificates, servers that write what no library would.

const host = "echo.backends.example";
const maker = new CertificateMaker();
const servers: Server[] = [];
const sockets = new Set<TLSSocket>();
let caller: Workerd;

const head = (...fields: readonly string[]): string =>
  ["HTTP/1.1 200 OK", "Content-Type: application/json", ...fields, "", ""].join("\r\n");
const zeros = gzipSync(Buffer.from(`"${"0".repeat(8 * 1024 * 1024)}"`));

/** Writes a piece again and again until nobody reads any more. */
function drip(socket: TLSSocket, piece: string | Buffer, everyMs: number): void {
  const timer = setInterval(() => void (socket.destroyed ? clearInterval(timer) : socket.write(piece)), everyMs);
  socket.on("close", () => clearInterval(timer));
}

/** What each server does with a request, and what has to come of it. */
const deeds: Readonly<Record<string, readonly [(socket: TLSSocket) => void, object]>> = {
  "a body that is shorter than it says": [
    (socket) => socket.end(`${head("Content-Length: 100")}{}`),
    { kind: "unreachable" },
  ],
  "a body that never ends": [
    (socket) => {
      socket.write(head("Transfer-Encoding: chunked"));
      drip(socket, `4000\r\n${"0".repeat(0x4000)}\r\n`, 1);
    },
    { kind: "unusable", why: "its answer is longer than registered" },
  ],
  "a body of one byte now and then": [
    (socket) => {
      socket.write(head("Content-Length: 1000"));
      drip(socket, "0", 50);
    },
    { kind: "timed_out" },
  ],
  "a head of one byte now and then": [(socket) => drip(socket, "H", 50), { kind: "timed_out" }],
  "nothing at all": [() => undefined, { kind: "timed_out" }],
  "eight megabytes packed into eight kilobytes": [
    (socket) => {
      socket.write(head("Content-Encoding: gzip", `Content-Length: ${zeros.length}`));
      socket.end(zeros);
    },
    { kind: "unusable", why: "its answer is longer than registered" },
  ],
  "what is none, said to be packed": [
    (socket) => socket.end(`${head("Content-Encoding: gzip", "Content-Length: 2")}{}`),
    { kind: "unreachable" },
  ],
  "two lengths": [
    (socket) => socket.end(`${head("Content-Length: 2", "Content-Length: 20")}{}`),
    { kind: "unreachable" },
  ],
  "two types": [
    (socket) => socket.end(`${head("Content-Type: text/html", "Content-Length: 2")}{}`),
    { kind: "unusable", why: "its answer has a type that is not registered" },
  ],
  "more fields than anybody reads": [
    (socket) => socket.end(`${head(...Array.from({ length: 20_000 }, (_, at) => `X-${at}: ${"y".repeat(90)}`))}{}`),
    { kind: "unreachable" },
  ],
  "another protocol": [
    (socket) => socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    { kind: "unusable", why: "it answered with 101" },
  ],
  "a way elsewhere": [
    (socket) => socket.end("HTTP/1.1 307 T\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"),
    { kind: "unusable", why: "it answered with 307" },
  ],
  "no HTTP": [(socket) => socket.end("<html>hello</html>\n"), { kind: "unreachable" }],
};
const names = Object.keys(deeds);

beforeAll(async () => {
  const [ours, theirs] = [maker.authority(), maker.authority()];
  const client = ours.issue("DNS:sentinel.example", "now", "clientAuth");
  const services: Record<string, object> = {};
  for (const [index, name] of names.entries()) {
    const tls = { ...theirs.issue(`DNS:${host}`), ca: [ours.cert], requestCert: true, rejectUnauthorized: true };
    const server = createServer({ ...tls, minVersion: "TLSv1.3" }, (socket) => {
      sockets.add(socket);
      // Whoever has heard enough goes, in the middle of what is written.
      socket.on("error", () => undefined);
      socket.once("data", () => deeds[name]?.[0](socket));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    services[`MTLS_D${index}`] = externalService({ address, client, trusted: [theirs.cert] }, host);
  }
  const registrationOf = (index: number) => ({
    ...echoRegistration,
    mtls_binding: `MTLS_D${index}`,
    timeout_ms: 3_000,
    retries: 0,
    answer_bytes_max: 64 * 1024,
  });
  caller = await startWorkerd({
    pace: 1,
    port: await findPort(0),
    workers: [
      {
        name: "caller",
        modules: [
          {
            type: "ESModule",
            path: "index.mjs",
            contents: await bundleWorker(join(repositoryRoot, "test/support/backend-caller-worker.ts")),
          },
        ],
        compatibilityDate: "2026-10-20",
        compatibilityFlags: ["nodejs_compat"],
        bindings: Object.fromEntries(
          names.map((_, index) => [`BACKEND_D${index}`, JSON.stringify(registrationOf(index))]),
        ),
        serviceBindings: services,
      },
    ],
    onError: () => undefined,
    onRestart: () => undefined,
  } as Parameters<typeof startWorkerd>[0]);
});
afterAll(async () => {
  await caller?.stop();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  maker.end();
});

describe("a backend that answers with", () => {
  it.each(names)("%s is given up, within its time, and nothing of it is handed on", async (name) => {
    const response = await fetch(new URL(`/d${names.indexOf(name)}`, caller.url));
    expect(response.status).toBe(200);
    expect(((await response.json()) as Called).outcome).toEqual(deeds[name]?.[1]);
  });
});
