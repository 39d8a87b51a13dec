import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Supervision, stopChild } from "./processes.ts";
import { StackError } from "./stack-error.ts";

export interface GatewayProcess {
  /** `127.0.0.1:port`, what NEON_GATEWAY takes. */
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const restartDelayMs = 250;

/**
 * Runs the Neon-protocol gateway in a process of its own, so that it can be killed alone, and starts
 * it again on the same port when it dies.
 * @param clusters loopback ports of the clusters it may reach
 */
export async function startGatewayProcess(
  clusters: readonly number[],
  supervision: Supervision,
): Promise<GatewayProcess> {
  let stopping = false;
  let { child, port } = await launch(0, clusters);
  const watch = (): void => {
    child.once("exit", async () => {
      while (!stopping) {
        supervision.note("  ! the gateway ended; starting it again");
        await new Promise((resolve) => setTimeout(resolve, restartDelayMs));
        const next = await launch(port, clusters).catch(() => null);
        if (next === null) continue;
        ({ child } = next);
        watch();
        supervision.onRestart();
        return;
      }
    });
  };
  watch();
  return {
    address: `127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0;
    },
    async stop() {
      stopping = true;
      await stopChild(child, 3000);
    },
  };
}

async function launch(port: number, clusters: readonly number[]): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL("gateway-main.ts", import.meta.url)), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    // A group of its own: a signal to the terminal's group must not stop it before those who use it.
    detached: true,
  });
  child.send({ port, clusters });
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve({ child, port: (message as { port: number }).port }));
    child.once("exit", (code) =>
      reject(
        new StackError("gateway_failed", `the gateway ended with ${code}`, "Read the message above and start again."),
      ),
    );
  });
}
