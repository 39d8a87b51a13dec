/** A system that takes audit logs: real TLS under a name of its own, which does whatever a test says. */
import { createHmac } from "node:crypto";
import { createServer, request } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { CertificateMaker } from "./certificates.ts";

/** One message as it arrived. */
export interface Arrived {
  readonly id: string;
  readonly sentAtSeconds: number;
  readonly signatures: readonly string[];
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it was sent
  readonly message: any;
}

/** What it answers: a status with headers, or nothing at all. */
export type SiemAnswer = { readonly status: number; readonly headers?: Record<string, string> } | "stall" | "hang up";

export interface Siem {
  readonly url: string;
  readonly arrived: Arrived[];
  /** The last one is repeated. Written by tests. */
  answers: SiemAnswer[];
  /** Reaches it by its name, over TLS that is verified; every other name is nowhere. */
  readonly fetch: typeof fetch;
  stop(): Promise<void>;
}

/** Verified from the specification's words, not by what makes one. @param secret `whsec_…` */
export function isSignedBy({ id, sentAtSeconds, body, signatures }: Arrived, secret: string): boolean {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${sentAtSeconds}.${body}`).digest("base64");
  return signatures.includes(`v1,${expected}`);
}

export async function startSiem(): Promise<Siem> {
  const name = "siem.school.test";
  const certificates = new CertificateMaker();
  const authority = certificates.authority();
  const sockets = new Set<Socket>();
  const arrived: Arrived[] = [];
  const siem = { url: `https://${name}/hook?token=theirs`, answers: [{ status: 204 }] as SiemAnswer[], arrived };
  const server = createServer(authority.issue(`DNS:${name}`), async (incoming, outgoing) => {
    let body = "";
    for await (const chunk of incoming) body += String(chunk);
    const header = (one: string): string => String(incoming.headers[one]);
    arrived.push({
      id: header("webhook-id"),
      sentAtSeconds: Number(header("webhook-timestamp")),
      signatures: header("webhook-signature").split(" "),
      body,
      message: JSON.parse(body),
    });
    const answer = siem.answers.length > 1 ? siem.answers.shift() : siem.answers[0];
    if (answer === "stall") return;
    if (answer === "hang up" || answer === undefined) return void incoming.socket.destroy();
    outgoing.writeHead(answer.status, answer.headers).end("thank you".repeat(1000));
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(siem, {
    fetch: ((url: string, init: RequestInit) =>
      new Promise<Response>((resolve, reject) => {
        const { hostname, pathname, search } = new URL(url);
        if (hostname !== name) return reject(new Error("no such name"));
        if (init.redirect !== "manual") return reject(new Error("it would follow redirects"));
        const headers = { ...(init.headers as Record<string, string>), host: hostname };
        const to = { host: "127.0.0.1", port, servername: hostname, ca: authority.cert, path: `${pathname}${search}` };
        const { signal } = init as { signal: AbortSignal };
        const sent = request({ ...to, headers, signal, method: String(init.method) }, async (incoming) => {
          let body = "";
          for await (const chunk of incoming) body += String(chunk);
          const status = incoming.statusCode ?? 0;
          const retry = incoming.headers["retry-after"];
          const empty = status === 204 || status === 304;
          resolve(
            new Response(empty ? null : body, { status, headers: retry === undefined ? {} : { "Retry-After": retry } }),
          );
        });
        sent.on("error", reject);
        sent.end(init.body);
      })) as typeof fetch,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      certificates.end();
    },
  });
}
