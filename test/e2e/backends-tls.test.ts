import { createServer as createPlainServer } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleWorker } from "../../scripts/bundle.ts";
import { externalService } from "../../scripts/stack/backends.ts";
import { findPort } from "../../scripts/stack/ports.ts";
import { startWorkerd, type Workerd } from "../../scripts/stack/workerd.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import type { Called } from "../../workers/studio/backends/call-backend.ts";
import { type Authority, CertificateMaker, type KeyPair } from "../support/certificates.ts";
import { echoRegistration } from "../support/echo-backend.ts";

// Studio's own code calls real TLS servers from workerd, over external services with TLS options: what stands in
// here for a certificate binding. Each side has authorities of its own.

const host = "echo.backends.example";
const maker = new CertificateMaker();
const servers: { readonly server: { close(): unknown; closeAllConnections(): void } }[] = [];

let caller: Workerd;
let ours: { readonly old: Authority; readonly next: Authority };
let theirs: { readonly old: Authority; readonly next: Authority };
let clients: Record<"old" | "next" | "expired" | "stranger" | "misnamed", KeyPair>;

/** A server that lets in whom `ca` names, and notes whoever got so far as to ask. */
class Backend {
  readonly server: Server;
  /** Of each request, whose certificate was shown. */
  readonly asked: string[] = [];
  /** Of each connection, which of its certificates it showed itself. */
  readonly shown = new Set<string>();
  #cert: KeyPair;

  constructor(cert: KeyPair, ca: readonly string[]) {
    this.#cert = cert;
    const tls = { ...cert, ca: [...ca], requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" as const };
    this.server = createServer(tls, (request, response) => {
      const peer = (
        request.socket as unknown as { getPeerCertificate(): { subjectaltname?: string } }
      ).getPeerCertificate();
      this.asked.push(peer.subjectaltname ?? "");
      if (peer.subjectaltname !== "DNS:sentinel.example") return void response.writeHead(401).end();
      response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
    });
    this.server.on("secureConnection", () => this.shown.add(this.#cert.cert));
    servers.push(this);
  }

  /** From the next connection on. */
  change(cert: KeyPair, ca: readonly string[]): void {
    this.#cert = cert;
    this.server.setSecureContext({ ...cert, ca: [...ca], minVersion: "TLSv1.3" });
    // What is open may end its request, and then comes anew.
    this.server.closeIdleConnections();
  }
}

const listen = async (server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}) => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** What a binding is: where to, what it shows and whom it trusts. */
const wires = new Map<string, object>();
const wire = (name: string, address: string, client: KeyPair | null, trusted: readonly Authority[]): void =>
  void wires.set(
    name,
    externalService(
      { address, trusted: trusted.map(({ cert }) => cert), ...(client === null ? {} : { client }) },
      host,
    ),
  );

let rotating: Backend;
/** Backends whose own certificate is at fault, by what is wrong with it. */
const faulty = new Map<string, Backend>();
let strict: Backend;

beforeAll(async () => {
  ours = { old: maker.authority(), next: maker.authority() };
  theirs = { old: maker.authority(), next: maker.authority() };
  const sentinel = "DNS:sentinel.example";
  clients = {
    old: ours.old.issue(sentinel, "now", "clientAuth"),
    next: ours.next.issue(sentinel, "now", "clientAuth"),
    expired: ours.old.issue(sentinel, "past", "clientAuth"),
    stranger: maker.authority().issue(sentinel, "now", "clientAuth"),
    misnamed: ours.old.issue("DNS:somebody.example", "now", "clientAuth"),
  };
  const name = `DNS:${host}`;
  strict = new Backend(theirs.old.issue(name), [ours.old.cert]);
  const address = await listen(strict.server);
  for (const [who, client] of Object.entries(clients)) wire(`shows-${who}`, address, client, [theirs.old]);
  wire("shows-none", address, null, [theirs.old]);
  for (const [fault, cert] of [
    ["expired", theirs.old.issue(name, "past")],
    ["stranger", maker.authority().issue(name)],
    ["misnamed", theirs.old.issue("DNS:somebody.example")],
    ["self-signed", maker.selfSigned(name)],
  ] as const) {
    const backend = new Backend(cert, [ours.old.cert]);
    faulty.set(fault, backend);
    wire(`meets-${fault}`, await listen(backend.server), clients.old, [theirs.old]);
  }
  const plain = createPlainServer((_request, response) => response.end("{}"));
  servers.push({ server: plain });
  wire("meets-plain", await listen(plain), clients.old, [theirs.old]);
  rotating = new Backend(theirs.old.issue(name), [ours.old.cert]);
  const there = await listen(rotating.server);
  wire("before", there, clients.old, [theirs.old, theirs.next]);
  wire("after", there, clients.next, [theirs.old, theirs.next]);

  const bindingOf = (one: string): string => `MTLS_${one.toUpperCase().replaceAll("-", "_")}`;
  const options = {
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
          [...wires.keys()].map((one) => [
            bindingOf(one).replace("MTLS_", "BACKEND_"),
            JSON.stringify({ ...echoRegistration, mtls_binding: bindingOf(one), timeout_ms: 20_000, retries: 2 }),
          ]),
        ),
        serviceBindings: Object.fromEntries([...wires].map(([one, service]) => [bindingOf(one), service])),
      },
    ],
    onError: () => undefined,
    onRestart: () => undefined,
  };
  caller = await startWorkerd(options);
});
afterAll(async () => {
  await caller?.stop();
  for (const { server } of servers) {
    server.closeAllConnections();
    server.close();
  }
  maker.end();
});

const call = async (name: string): Promise<Called> => {
  const response = await fetch(new URL(`/${name}`, caller.url));
  if (response.status !== 200) throw new Error(`the caller answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Called;
};

describe("a call to a backend", () => {
  it("shows Sentinel's certificate, and is let in", async () => {
    const before = strict.asked.length;
    expect((await call("shows-old")).outcome).toMatchObject({ kind: "answered", status: 200 });
    expect(strict.asked.slice(before)).toEqual(["DNS:sentinel.example"]);
  });

  it.each(["none", "expired", "stranger", "next"])(
    "that shows %s is let in nowhere, and nothing is asked",
    async (who) => {
      const before = strict.asked.length;
      const { outcome, tries } = await call(`shows-${who}`);
      expect([outcome.kind, tries]).toEqual(["unreachable", 3]);
      expect(strict.asked.length).toBe(before);
    },
  );

  it("that shows another's certificate of the same authority is refused by name", async () => {
    const before = strict.asked.length;
    expect((await call("shows-misnamed")).outcome).toEqual({ kind: "unusable", why: "it answered with 401" });
    expect(strict.asked.slice(before)).toEqual(["DNS:somebody.example"]);
  });

  it.each(["expired", "stranger", "misnamed", "self-signed"])(
    "to a server that shows %s says nothing: the assertion does not leave",
    async (fault) => {
      expect((await call(`meets-${fault}`)).outcome.kind).toBe("unreachable");
      expect(faulty.get(fault)?.asked).toEqual([]);
    },
  );

  it("to a server without TLS says nothing", async () => {
    expect((await call("meets-plain")).outcome.kind).toBe("unreachable");
  });
});

describe("certificates that change under load", () => {
  /** Calls one after the other in eight lanes until it is ended; which names they take turns in, may change. */
  class Load {
    names: string[] = ["before"];
    readonly failed: Called[] = [];
    readonly counts = new Map<string, number>();
    #going = true;
    readonly #lanes: Promise<void>[];

    constructor() {
      this.#lanes = Array.from({ length: 8 }, () => this.#lane());
    }
    async #lane(): Promise<void> {
      for (let turn = 0; this.#going; turn += 1) {
        const name = this.names[turn % this.names.length] ?? "";
        const called = await call(name);
        if (called.outcome.kind !== "answered") this.failed.push(called);
        this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      }
    }
    /** Waits until so many more calls over each of its names came back. */
    async further(calls: number): Promise<void> {
      const from = new Map(this.counts);
      const more = () => Math.min(...this.names.map((one) => (this.counts.get(one) ?? 0) - (from.get(one) ?? 0)));
      await expect.poll(more, { timeout: 60_000 }).toBeGreaterThanOrEqual(calls);
    }
    async end(): Promise<void> {
      this.#going = false;
      await Promise.all(this.#lanes);
    }
  }

  it("on both sides, and their authorities with them, cost no call", async () => {
    const name = `DNS:${host}`;
    const load = new Load();
    await load.further(40);
    // The server: another certificate, then one of another authority, which the binding trusts already.
    const renewed = theirs.old.issue(name);
    rotating.change(renewed, [ours.old.cert]);
    await load.further(40);
    const moved = theirs.next.issue(name);
    rotating.change(moved, [ours.old.cert]);
    await load.further(40);
    // Sentinel: the server trusts both authorities, the new binding is deployed while the old one is still at work.
    rotating.change(moved, [ours.old.cert, ours.next.cert]);
    await load.further(40);
    load.names = ["before", "after"];
    await load.further(40);
    load.names = ["after"];
    await load.further(40);
    rotating.change(moved, [ours.next.cert]);
    await load.further(40);
    await load.end();
    expect(load.failed).toEqual([]);
    expect([...rotating.shown]).toEqual(expect.arrayContaining([renewed.cert, moved.cert]));
    // What was left behind opens nothing any more.
    rotating.server.closeAllConnections();
    await expect.poll(async () => (await call("before")).outcome.kind, { timeout: 60_000 }).toBe("unreachable");
    expect((await call("after")).outcome.kind).toBe("answered");
  });
});
