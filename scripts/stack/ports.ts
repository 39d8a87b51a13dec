import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";
import { StackError } from "./stack-error.ts";

const loopbacks = ["127.0.0.1", "::1"] as const;

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => resolve(server));
  });
}
const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/**
 * Ports that nobody gets who asks for none in particular: below what Linux, macOS and Windows give to outgoing
 * connections. Whoever finds one here listens there some seconds later, and in the meantime nobody has taken it.
 */
const quietPorts = { from: 20_000, below: 32_000 } as const;

/**
 * Finds a port that is free on both loopback addresses.
 * @param wanted 0 for any
 * @throws StackError `port_in_use`
 */
export async function findPort(wanted: number): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const port = wanted === 0 ? randomInt(quietPorts.from, quietPorts.below) : wanted;
    const first = await listen(port, loopbacks[0]).catch((error: NodeJS.ErrnoException) => error);
    if (first instanceof Error) {
      // Windows keeps ranges of ports for itself and denies them to everybody.
      if (wanted === 0 && (first.code === "EADDRINUSE" || first.code === "EACCES")) continue;
      refuse(port, first);
    }
    const second = await listen(port, loopbacks[1]).catch((error: NodeJS.ErrnoException) => error);
    await close(first);
    if (!(second instanceof Error)) {
      await close(second);
      return port;
    }
    // A machine without IPv6 has no ::1 to be taken.
    if (second.code === "EADDRNOTAVAIL" || second.code === "EAFNOSUPPORT") return port;
    if (wanted !== 0) refuse(wanted, second);
  }
  throw new StackError(
    "port_in_use",
    "no port is free on both loopback addresses",
    "Stop what holds them and try again.",
  );
}

function refuse(port: number, error: NodeJS.ErrnoException): never {
  if (error.code === "EACCES") {
    throw new StackError(
      "port_denied",
      `this user may not listen on port ${port}`,
      "Choose a port above 1023 with --port.",
    );
  }
  throw new StackError(
    "port_in_use",
    `port ${port} is in use`,
    "Stop what listens there, or choose another with --port (0 picks a free one).",
  );
}

/** Passes connections on `::1` to the same port on 127.0.0.1, for `localhost` means either. */
export async function forwardIpv6Loopback(port: number): Promise<{ stop(): Promise<void> }> {
  const { connect } = await import("node:net");
  const sockets = new Set<import("node:net").Socket>();
  const server = createServer((inward) => {
    const outward = connect(port, "127.0.0.1");
    for (const [socket, peer] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => peer.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        peer.destroy();
      });
      socket.pipe(peer);
    }
  });
  const listening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ port, host: "::1", exclusive: true }, () => resolve(true));
  });
  return {
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      if (listening) await close(server);
    },
  };
}
