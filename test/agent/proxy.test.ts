import { writeFileSync } from "node:fs";
import http from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeCertificate } from "./certificate.ts";
import { code, Peer } from "./peer.ts";
import { killAgents, makeStateDirectory, startAgent } from "./process.ts";

/** A school's proxy: CONNECT and nothing else; sees no content. */
async function startProxy(): Promise<{ readonly url: string; readonly tunnels: string[]; stop(): Promise<void> }> {
  const tunnels: string[] = [];
  const sockets = new Set<Socket>();
  const server = http.createServer((_request, response) => response.writeHead(405).end());
  server.on("connect", (request, client: Socket) => {
    tunnels.push(request.url ?? "");
    const [host = "", port = ""] = (request.url ?? "").split(":");
    const upstream = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(upstream).pipe(client);
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    tunnels,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

let state: ReturnType<typeof makeStateDirectory>;
let peer: Peer;
let cert: string;
beforeEach(async () => {
  const made = makeCertificate();
  cert = made.cert;
  peer = await new Peer(made).start();
  state = makeStateDirectory();
});
afterEach(async () => {
  await killAgents();
  await peer.stop();
  state.remove();
});

test("enrols and publishes through the proxy of HTTPS_PROXY, verifying the server behind it", async () => {
  const proxy = await startProxy();
  try {
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: "" };
    const ca = join(state.path, "ca.pem");
    writeFileSync(ca, cert);
    const args = ["enroll", "--url", peer.url, "--code", code, "--state", state.path];
    expect(await startAgent(args, { env }).exited).toBe(6);
    expect(peer.enrollments).toEqual([]);
    expect(await startAgent([...args, "--ca", ca], { env }).exited).toBe(0);
    const runner = startAgent(["run", "--state", state.path], { env });
    await peer.until(() => peer.samples().length > 0);
    runner.child.kill("SIGTERM");
    expect(await runner.exited).toBe(0);
    expect(proxy.tunnels).toEqual(Array.from({ length: 3 }, () => `localhost:${peer.port}`));
  } finally {
    await proxy.stop();
  }
});
