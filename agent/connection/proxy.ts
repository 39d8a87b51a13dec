/** An HTTP proxy out of the environment (HTTPS_PROXY, NO_PROXY), by CONNECT; TLS stays end to end. */
import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import tls from "node:tls";
import type { TrustOptions } from "./trust.ts";

/** A proxy that says nothing for this long is taken for dead. */
const proxyAnswerMsMax = 20_000;

/** The proxy for `target`, or null. Only `http://` proxies; cleartext targets are on this machine anyway. */
export function proxyFor(target: URL, env: NodeJS.ProcessEnv): URL | null {
  if (target.protocol !== "https:" && target.protocol !== "wss:") return null;
  const value = env["HTTPS_PROXY"] ?? env["https_proxy"];
  if (value === undefined || value === "" || !URL.canParse(value)) return null;
  const proxy = new URL(value);
  if (proxy.protocol !== "http:") return null;
  return isExempt(target.hostname, env["NO_PROXY"] ?? env["no_proxy"] ?? "") ? null : proxy;
}

function isExempt(hostname: string, exemptions: string): boolean {
  return exemptions.split(",").some((entry) => {
    const name = entry
      .trim()
      .replace(/^\*?\./, "")
      .replace(/:\d+$/, "")
      .toLowerCase();
    return name === "*" || (name !== "" && (hostname === name || hostname.endsWith(`.${name}`)));
  });
}

/** An agent whose sockets are TLS through the proxy's tunnel. */
export function tunnelAgent(proxy: URL, trust: TrustOptions): https.Agent {
  const agent = new https.Agent({ keepAlive: false });
  const create = (
    options: { host?: string; port?: number | string; servername?: string },
    done: (error: Error | null, socket?: Socket) => void,
  ): undefined => {
    const host = options.host ?? "localhost";
    openTunnel(proxy, `${host.includes(":") ? `[${host}]` : host}:${options.port ?? 443}`, (error, socket) => {
      if (socket === null) return done(error);
      done(
        null,
        tls.connect({ ...trust, socket, servername: options.servername ?? host, ALPNProtocols: ["http/1.1"] }),
      );
    });
  };
  return Object.assign(agent, { createConnection: create });
}

function openTunnel(proxy: URL, authority: string, done: (error: Error, socket: Socket | null) => void): void {
  const credentials =
    proxy.username === "" ? null : `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const request = http.request({
    host: proxy.hostname,
    port: proxy.port === "" ? 80 : proxy.port,
    method: "CONNECT",
    path: authority,
    agent: false,
    timeout: proxyAnswerMsMax,
    headers: {
      Host: authority,
      ...(credentials === null
        ? {}
        : { "Proxy-Authorization": `Basic ${Buffer.from(credentials).toString("base64")}` }),
    },
  });
  request.once("timeout", () => request.destroy(new Error("the proxy does not answer")));
  request.once("error", (error) => done(error, null));
  request.once("connect", (response, socket) => {
    socket.setTimeout(0);
    if (response.statusCode === 200) return done(new Error(), socket);
    socket.destroy();
    done(new Error(`the proxy answered ${response.statusCode ?? 0}`), null);
  });
  request.end();
}
