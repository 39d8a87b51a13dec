/**
 * Speaks the Neon driver's two protocols in front of embedded clusters: HTTP `POST /sql` and a
 * WebSocket that carries Postgres's own protocol. It is no proxy for anything else: every host in a
 * connection string and every WebSocket address must be a cluster it was started with.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { ConnectionPools } from "./gateway-pools.ts";
import {
  type BatchOptions,
  GatewayRefusal,
  parseBatchOptions,
  parseConnectionString,
  parseSqlRequest,
  runSql,
} from "./gateway-sql.ts";

/** Neon's own limit for a request and a response. */
const requestBytesMax = 64 * 1024 * 1024;
/** A WebSocket message is a piece of a byte stream; the driver sends far less at once. */
const messageBytesMax = 16 * 1024 * 1024;

export interface GatewayOptions {
  /** 0 picks a free one; loopback only. */
  readonly port: number;
  /** The clusters it may reach: `host:port` as it stands in connection strings is `127.0.0.1:port`. */
  readonly clusters: readonly { readonly port: number }[];
  /**
   * How often a connection is lent before it is closed; default: as often as it is wanted. With 1 every request
   * logs in by itself, as Neon's proxy has each show a password that is good now.
   */
  readonly usesMax?: number;
  readonly log?: (line: string) => void;
}

export interface Gateway {
  readonly port: number;
  /** Ends every session and closes the port. */
  stop(): Promise<void>;
}

/** Starts the gateway on 127.0.0.1. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const allowed: ReadonlySet<string> = new Set(options.clusters.map((cluster) => `127.0.0.1:${cluster.port}`));
  const pools = new ConnectionPools(options.usesMax ?? Number.POSITIVE_INFINITY);
  const server = createServer((request, response) => {
    answer(request, response, allowed, pools).catch((error: unknown) => {
      // The kind of the error only: its text may quote SQL.
      options.log?.(`gateway: ${error instanceof Error ? error.name : "error"} while answering`);
      if (!response.headersSent) sendJson(response, 500, { message: "gateway failure" });
      else response.destroy();
    });
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax });
  server.on("upgrade", (request, socket, head) => upgrade(request, socket, head, sockets, allowed));
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(options.port, "127.0.0.1", done);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the gateway has no port");
  return {
    port: address.port,
    async stop() {
      for (const client of sockets.clients) client.terminate();
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
      await pools.end();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  allowed: ReadonlySet<string>,
  pools: ConnectionPools,
): Promise<void> {
  if (request.method !== "POST" || request.url !== "/sql") return sendJson(response, 404, { message: "not found" });
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const ask: SqlAsk = { headers: request.headers, body: () => readBody(request), gone: gone.signal };
  const { status, body } = await answerSql(ask, allowed, pools);
  sendJson(response, status, body);
}

/** One `POST /sql`, however it came. */
export interface SqlAsk {
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Called once the headers are found good. */
  readonly body: () => Promise<string>;
  /** Aborted when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

/** Runs what is asked for and says how it is answered. @throws what is neither Postgres's nor the asker's fault */
export async function answerSql(
  { headers, body, gone }: SqlAsk,
  allowed: ReadonlySet<string>,
  pools: ConnectionPools,
): Promise<{ readonly status: number; readonly body: unknown }> {
  try {
    const target = parseConnectionString(headers["neon-connection-string"], allowed);
    const options: BatchOptions = parseBatchOptions(headers);
    const work = parseSqlRequest(await body());
    return { status: 200, body: await pools.use(target, gone, (client) => runSql(client, work, options)) };
  } catch (error) {
    if (error instanceof GatewayRefusal) return { status: error.status, body: error.body };
    throw error;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > requestBytesMax)
      throw new GatewayRefusal(413, { message: "request is too large (max is 67108864 bytes)" });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  sockets: WebSocketServer,
  allowed: ReadonlySet<string>,
): void {
  const url = new URL(request.url ?? "/", "http://gateway");
  const address = url.searchParams.get("address") ?? "";
  // A page in a browser on this machine could open a WebSocket to us; workerd and Node send no Origin.
  if (url.pathname !== "/v1" || !allowed.has(address) || request.headers.origin !== undefined) {
    socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  sockets.handleUpgrade(request, socket, head, (client) => pipe(client, Number(address.split(":")[1])));
}

/** Carries bytes both ways; Postgres authenticates the client itself. Each side's slowness stops the other. */
function pipe(client: WebSocket, port: number): void {
  const postgres = connect({ host: "127.0.0.1", port, noDelay: true });
  client.on("message", (data: Buffer) => {
    if (!postgres.write(data)) client.pause();
  });
  postgres.on("drain", () => client.resume());
  postgres.on("data", (data) => {
    postgres.pause();
    client.send(data, { binary: true }, () => postgres.resume());
  });
  const end = (): void => {
    postgres.destroy();
    if (client.readyState === WebSocket.OPEN) client.close();
  };
  client.on("close", end);
  client.on("error", end);
  postgres.on("error", end);
  postgres.on("close", end);
}
