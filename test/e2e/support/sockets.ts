import { connect } from "node:net";
import type { MqttClient } from "mqtt";

/** Resolves once a client's connection is over; at once for one that is. */
export function ended(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    if (client.connected) client.once("close", () => resolve());
    else resolve();
  });
}

/** Sends bytes as they are, and returns the status of the answer; 0 for none. */
export function rawStatus(base: string, bytes: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(base).port), "127.0.0.1", () => socket.write(bytes));
    let answer = "";
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
      if (status === undefined) return;
      socket.destroy();
      resolve(Number(status));
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(0));
  });
}

/** Asks with header lines as they are: Node's fetch joins those of one name. */
export function rawGet(base: string, path: string, lines: readonly string[]): Promise<number> {
  return rawStatus(base, [`GET ${path} HTTP/1.1`, `Host: ${new URL(base).host}`, ...lines, "", ""].join("\r\n"));
}
