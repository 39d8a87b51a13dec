/** The gateway's own process: takes its configuration from the parent, ends with it. */
import { startGateway } from "../postgres/gateway.ts";

process.once("message", async (message) => {
  const { port, clusters } = message as { port: number; clusters: number[] };
  const gateway = await startGateway({ port, clusters: clusters.map((clusterPort) => ({ port: clusterPort })) });
  process.send?.({ port: gateway.port });
  const stop = async (): Promise<void> => {
    await gateway.stop();
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  // Ctrl-C reaches the whole group; the parent stops this process in its turn.
  process.on("SIGINT", () => undefined);
  process.once("disconnect", stop);
});
