/** aedes as its documentation runs it over WebSocket. It names its port to the one who started it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Aedes } from "aedes";
import { createWebSocketStream, WebSocketServer } from "ws";

const aedes = await Aedes.createBroker();
const server = createServer();
// The default of `ws`, said here because it decides the comparison: nothing is compressed.
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", (socket, request) => {
  const stream = createWebSocketStream(socket);
  // A client that goes without a word is no error of the broker's.
  stream.on("error", () => undefined);
  aedes.handle(stream, request);
});
// As many may wait as the kernel allows, which is what the others ask for.
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () =>
  process.send?.((server.address() as AddressInfo).port),
);
process.on("disconnect", () => process.exit(0));
