/**
 * Stacks that files have one after another, each for itself while it runs: to start one is as much work as many a file
 * does with it. For files that start it with nothing of their own, never stop it, and look at nothing but the
 * organisations that they make.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Api } from "./api.ts";
import { freshStateDir, type StackProcess, startStackProcess } from "./stack-process.ts";

/** Names where files ask for a stack; absent where a file runs by itself. */
const poolVariable = "SENTINEL_STACK_POOL";

const flags = ["--quiet", "--no-agent", "--limit-scale", "1000", "--pace", "12"];

export type BorrowedStack = Pick<StackProcess, "stateDir" | "description" | "discard">;

/** A stack without an agent, whose limits are wide and whose minute has five seconds. Discarded, it is the next file's. */
export async function borrowStack(): Promise<BorrowedStack> {
  const pool = process.env[poolVariable];
  if (pool === undefined) return startStackProcess(freshStateDir(), flags);
  const stateDir = await ask(`${pool}/borrow`);
  const description = JSON.parse(readFileSync(join(stateDir, "stack.json"), "utf8")) as StackProcess["description"];
  return { stateDir, description, discard: async () => void (await ask(`${pool}/return`, stateDir)) };
}

/** Lends stacks until the end of a round. @returns ends it, and all of them */
export async function startStackPool(): Promise<() => Promise<void>> {
  const all = new Map<string, StackProcess>();
  const idle: StackProcess[] = [];
  const borrow = async (): Promise<string> => {
    for (let stack = idle.pop(); stack !== undefined; stack = idle.pop()) {
      // A file that failed may have left it in any state.
      const ready = await new Api(stack.description.url).send("GET", "/readyz").catch(() => null);
      if (ready?.status === 200) return stack.stateDir;
      all.delete(stack.stateDir);
      await stack.discard();
    }
    const started = await startStackProcess(freshStateDir(), flags);
    all.set(started.stateDir, started);
    return started.stateDir;
  };
  const giveBack = (stateDir: string): string => {
    const stack = all.get(stateDir);
    if (stack !== undefined) idle.push(stack);
    return "";
  };
  const server = createServer(async (request, response) => {
    try {
      const body = await textOf(request);
      response.end(request.url === "/borrow" ? await borrow() : giveBack(body));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env[poolVariable] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return async () => {
    delete process.env[poolVariable];
    server.close();
    server.closeAllConnections();
    await Promise.all([...all.values()].map((stack) => stack.discard()));
  };
}

async function ask(url: string, body = ""): Promise<string> {
  const response = await fetch(url, { method: "POST", body });
  const text = await response.text();
  if (!response.ok) throw new Error(`no stack: ${text}`);
  return text;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += String(piece);
  return text;
}
