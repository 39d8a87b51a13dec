/** TLS to the database, with real peers: for scripts a Postgres that speaks it, for Workers what Neon's address would be. */

import { spawn } from "node:child_process";
import { randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createPlainServer } from "node:http";
import { createServer } from "node:https";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { Agent, buildConnector, getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { verifiedConnection } from "../../../scripts/migrate/verified-connection.ts";
import { serverAccount } from "../../../scripts/postgres/account.ts";
import { writeOwned } from "../../../scripts/postgres/data-folder.ts";
import { type Cluster, startCluster } from "../../../scripts/postgres/embedded.ts";
import { createDatabase, createInteractiveClient, sql } from "../../../store/connect.ts";
import { type Authority, CertificateMaker, type KeyPair } from "../../support/certificates.ts";

/** Where the package has its executable; it comes without types. */
const workerdBinary = (createRequire(import.meta.url)("workerd") as { readonly default: string }).default;

const made = new CertificateMaker();
const authority: Authority = made.authority();
const stranger: Authority = made.authority();
afterAll(() => made.end());

/** A peer's certificates that are not its own, and why. */
const wrong = (name: string): [string, () => KeyPair, RegExp][] => [
  ["signed by itself", () => made.selfSigned(`DNS:${name}`), /self-signed/],
  ["of an authority that nobody knows", () => stranger.issue(`DNS:${name}`), /unable to verify|self-signed|issuer/],
  ["for another host", () => authority.issue("DNS:other.example"), /does not match|altnames/],
  ["that has expired", () => authority.issue(`DNS:${name}`, "past"), /expired/],
];

describe("a script's connection to a Postgres", () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-tls-"));
  const password = randomBytes(24).toString("base64url");
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({
      dir: join(folder, "one"),
      stateDir: folder,
      port: 0,
      superuserPassword: password,
      log: () => undefined,
    });
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const asSuperuser = async (...texts: string[]): Promise<void> => {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: cluster.port,
      user: "postgres",
      database: "postgres",
      password,
    });
    await client.connect();
    for (const text of texts) await client.query(text);
    await client.end();
  };
  /** The server shows this from the next connection on; null: it speaks no TLS. */
  async function present(pair: KeyPair | null): Promise<void> {
    if (pair !== null) {
      writeOwned(join(cluster.home, "server.crt"), pair.cert, serverAccount());
      writeOwned(join(cluster.home, "server.key"), pair.key, serverAccount());
      await asSuperuser(
        `ALTER SYSTEM SET ssl_cert_file = '${join(cluster.home, "server.crt")}'`,
        `ALTER SYSTEM SET ssl_key_file = '${join(cluster.home, "server.key")}'`,
      );
    }
    await asSuperuser(`ALTER SYSTEM SET ssl = ${pair === null ? "off" : "on"}`, "SELECT pg_reload_conf()");
    // Reloaded by the postmaster in its own time: a new session says what holds.
    for (let tries = 0; tries < 100; tries += 1) {
      const shown = await showsNow();
      if (shown === (pair === null ? null : new X509Certificate(pair.cert).fingerprint256)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the server did not take the certificate");
  }
  /** What the server shows to somebody who checks nothing. */
  async function showsNow(): Promise<string | null> {
    let seen: string | null = null;
    const ssl = { rejectUnauthorized: false };
    const client = new pg.Client({
      host: "127.0.0.1",
      port: cluster.port,
      user: "postgres",
      database: "postgres",
      password,
      ssl,
    });
    try {
      await client.connect();
      const { stream } = (
        client as unknown as { connection: { stream: { getPeerX509Certificate(): { fingerprint256: string } } } }
      ).connection;
      seen = stream.getPeerX509Certificate().fingerprint256;
      await client.end();
    } catch {
      return null;
    }
    return seen;
  }
  const address = (options: string, host = "localhost"): string =>
    `postgres://postgres:${password}@${host}:${cluster.port}/postgres${options}`;
  async function connects(text: string): Promise<unknown> {
    const client = new pg.Client(verifiedConnection("the database", text));
    await client.connect();
    try {
      return (await client.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).rows[0]?.ssl;
    } finally {
      await client.end();
    }
  }
  const checked = `?sslmode=verify-full&sslrootcert=${encodeURIComponent(authority.path)}`;

  it("is made where the certificate is the host's own, and is encrypted", async () => {
    await present(authority.issue("DNS:localhost,IP:127.0.0.1"));
    expect(await connects(address(checked))).toBe(true);
    expect(await connects(address(checked, "127.0.0.1"))).toBe(true);
  });

  it.each(wrong("localhost"))("is refused for a certificate %s", async (_what, pair, says) => {
    await present(pair());
    await expect(connects(address(checked))).rejects.toThrow(says);
  });

  it("is refused for an address without a name, where the certificate has names only", async () => {
    await present(authority.issue("DNS:localhost"));
    await expect(connects(address(checked, "127.0.0.1"))).rejects.toThrow(/does not match|altnames/);
  });

  it("is refused where the right certificate is of an authority that only this machine's list would have to know", async () => {
    await present(authority.issue("DNS:localhost"));
    await expect(connects(address("?sslmode=verify-full"))).rejects.toThrow(/unable to|self-signed|issuer/);
  });

  it("is refused where the server speaks no TLS, or somebody in between says so", async () => {
    await present(null);
    await expect(connects(address(checked))).rejects.toThrow(/does not support SSL/);
  });

  it.each([
    ["no check at all", "postgres://o:secret@db.example/s"],
    ["a check of nothing", "postgres://o:secret@db.example/s?sslmode=require"],
    ["a check that is taken back", "postgres://o:secret@db.example/s?sslmode=verify-full&sslmode=disable"],
    ["a check that is taken back by another word", "postgres://o:secret@db.example/s?sslmode=verify-full&ssl=0"],
    ["the rules of another library", "postgres://o:secret@db.example/s?sslmode=verify-full&uselibpqcompat=true"],
    ["this machine's name and another host", "postgres://o:secret@localhost/s?host=db.example"],
    ["another host behind the check", "postgres://o:secret@db.example/s?sslmode=verify-full&host=evil.example"],
    ["less than a check, on this machine", "postgres://o:secret@localhost/s?sslmode=prefer"],
    ["no host", "postgres:///s?sslmode=verify-full"],
    ["an authority that is not there", "postgres://o:secret@db.example/s?sslmode=verify-full&sslrootcert=/nowhere"],
    ["another protocol", "https://o:secret@db.example/s?sslmode=verify-full"],
  ])("is not tried for an address with %s, and no word of it is said", (_what, text) => {
    expect(() => verifiedConnection("the database", text)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/secret|example/) }),
    );
  });

  it("takes what Neon's own address says, and is not switched off by the environment", () => {
    const neon = "postgres://o:p%40ss@db.example/s?sslmode=verify-full&channel_binding=require";
    expect(verifiedConnection("the database", neon)).toMatchObject({
      host: "db.example",
      port: 5432,
      password: "p@ss",
      ssl: { rejectUnauthorized: true, servername: "db.example" },
    });
    expect(verifiedConnection("the database", "postgres://o:p@127.0.0.1:1/s").ssl).toBe(false);
  });
});

/** Answers as Neon's HTTP endpoint would, and takes WebSockets as its proxy would. @returns the port */
async function neonPeer(pair: KeyPair): Promise<{ port: number; asked: string[]; stop: () => Promise<void> }> {
  const asked: string[] = [];
  const server = createServer(pair, (request, response) => {
    asked.push(`${request.method} ${request.headers.host}${request.url}`);
    const field = { name: "one", dataTypeID: 23 };
    const result = { command: "SELECT", rowCount: 1, rows: [["1"]], fields: [field], rowAsArray: true };
    response.setHeader("Content-Type", "application/json").end(JSON.stringify({ results: [result] }));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => {
    asked.push(`WEBSOCKET ${request.headers.host}${request.url}`);
    socket.close();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** The runtime itself with one Worker, whose calls leave by a network that trusts `trusted` (PEM) beside the public authorities. */
async function startWorkerd(script: string, trusted: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-workerd-"));
  writeFileSync(join(folder, "worker.js"), script);
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01",
      globalOutbound = "network")),
    (name = "network", network = (
      allow = ["public", "private"],
      tlsOptions = (trustBrowserCas = true, trustedCertificates = [${JSON.stringify(trusted)}]))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);`,
  );
  const child = spawn(workerdBinary, ["serve", "--control-fd=3", join(folder, "config.capnp")], {
    // It tells of each refused handshake at length; the tests say what they are about.
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const ended = new Promise((done) => child.once("exit", done));
  const port = await new Promise<number>((found, failed) => {
    let said = "";
    child.once("exit", (code) => failed(new Error(`workerd ended with ${code}`)));
    child.stdio[3]?.on("data", (chunk) => {
      said += String(chunk);
      const listening = /"event":"listen".*"port":(\d+)/.exec(said);
      if (listening !== null) found(Number(listening[1]));
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe("a Worker's connection to Neon's address", () => {
  const url = "postgres://role:secret@db.sentinel.test/sentinel";
  const usual = getGlobalDispatcher();
  afterEach(() => setGlobalDispatcher(usual));

  /** Names lead to the peer instead of to the Internet; what is checked of its certificate stays what it was. */
  function leadTo(port: number): void {
    const connect = buildConnector({ ca: authority.cert });
    setGlobalDispatcher(
      new Agent({
        connect: (options, done) =>
          connect(
            {
              ...options,
              hostname: "127.0.0.1",
              port: String(port),
              servername: options.servername || options.hostname,
            },
            done,
          ),
      }),
    );
  }
  const query = (options = "") => createDatabase({ url: `${url}${options}`, gateway: "" }).query(sql`SELECT 1 AS one`);

  it("is HTTPS to the host of the address, whatever the address says of TLS", async () => {
    const peer = await neonPeer(authority.issue("DNS:api.sentinel.test"));
    leadTo(peer.port);
    for (const options of ["", "?sslmode=disable", "?sslmode=require", "?ssl=0"])
      expect(await query(options)).toEqual([{ one: 1 }]);
    expect(new Set(peer.asked)).toEqual(new Set(["POST api.sentinel.test/sql"]));
    await peer.stop();
  });

  it.each(wrong("api.sentinel.test"))(
    "is refused for a certificate %s, before anything is said",
    async (_what, pair) => {
      const peer = await neonPeer(pair());
      leadTo(peer.port);
      await expect(query()).rejects.toMatchObject({ name: "DatabaseError", kind: "unreachable" });
      await expect(query("?sslmode=disable")).rejects.toMatchObject({ kind: "unreachable" });
      expect(peer.asked).toEqual([]);
      await peer.stop();
    },
  );

  it.each(wrong("db.sentinel.test"))(
    "for a session is refused for a certificate %s, before anything is said",
    async (_what, pair) => {
      const peer = await neonPeer(pair());
      leadTo(peer.port);
      const client = createInteractiveClient({ url: `${url}?sslmode=disable`, gateway: "" });
      client.on("error", () => undefined);
      await expect(client.connect()).rejects.toBeDefined();
      expect(peer.asked).toEqual([]);
      await peer.stop();
    },
  );

  it("for a session is a WebSocket over TLS", async () => {
    const peer = await neonPeer(authority.issue("DNS:db.sentinel.test"));
    leadTo(peer.port);
    const client = createInteractiveClient({ url: `${url}?sslmode=disable`, gateway: "" });
    client.on("error", () => undefined);
    // The peer is no Postgres and hangs up; it was reached.
    await client.connect().catch(() => undefined);
    expect(peer.asked).toEqual(["WEBSOCKET db.sentinel.test/v2"]);
    await peer.stop();
  });

  it.each([
    "gateway.example:80",
    "10.0.0.5:4444",
    "127.0.0.1.evil.example:1",
    "localhost.evil:1",
    "[::1]:1",
    "127.0.0.1:1/x",
  ])("can't be put on a gateway elsewhere, to which passwords would travel in the clear: %s", (gateway) => {
    expect(() => createDatabase({ url, gateway })).toThrow("on this machine");
    expect(() => createInteractiveClient({ url, gateway })).toThrow("on this machine");
  });

  describe("as the runtime makes it, which trusts one authority here", () => {
    /** @returns how a call without TLS fared, which shows that the network is there, then fetch and WebSocket */
    async function askFromWorkerd(peerPort: number): Promise<string[]> {
      const plain = createPlainServer((_, response) => response.end());
      await new Promise<void>((done) => plain.listen(0, "127.0.0.1", done));
      const workerd = await startWorkerd(
        `export default { async fetch(request) {
          const { pathname } = new URL(request.url);
          const to = pathname === "/control" ? "http://localhost:${(plain.address() as AddressInfo).port}/" : "https://localhost:${peerPort}/";
          const upgrade = pathname === "/socket" ? { headers: { Upgrade: "websocket" } } : {};
          try { return new Response("reached " + (await fetch(to, upgrade)).status); }
          catch { return new Response("refused"); }
        } }`,
        authority.cert,
      );
      try {
        const answers: string[] = [];
        for (const path of ["control", "plain", "socket"])
          answers.push(await (await fetch(`${workerd.url}/${path}`)).text());
        return answers;
      } finally {
        await workerd.stop();
        plain.closeAllConnections();
        await new Promise((done) => plain.close(done));
      }
    }

    it("reaches the host whose certificate is its own", async () => {
      const peer = await neonPeer(authority.issue("DNS:localhost"));
      expect(await askFromWorkerd(peer.port)).toEqual(["reached 200", "reached 200", "reached 101"]);
      expect(peer.asked).toHaveLength(2);
      await peer.stop();
    });

    it.each(wrong("localhost"))("is refused for a certificate %s, before anything is said", async (_what, pair) => {
      const peer = await neonPeer(pair());
      expect(await askFromWorkerd(peer.port)).toEqual(["reached 200", "refused", "refused"]);
      expect(peer.asked).toEqual([]);
      await peer.stop();
    });
  });
});
