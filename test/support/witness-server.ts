/** A log's two addresses for witnesses, over HTTP, which show whatever a test says; and the witness program as a process. */
import { spawn } from "node:child_process";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { toBase64 } from "../../core/audit/signed-note.ts";
import type { LogSigningKey, SignedLog } from "./signed-log.ts";

export interface PostedCosignature {
  readonly size: number;
  readonly cosignature: string;
}

export interface WitnessServer {
  readonly address: string;
  /** What it shows. Written by tests alone. */
  log: SignedLog;
  /** By whose key the newest checkpoint is signed. */
  signer: LogSigningKey;
  /** Sends an answer of its own in place of both. */
  instead: ((path: string, response: ServerResponse) => boolean) | null;
  /** Sizes that were asked from, and what was posted. */
  readonly looks: number[];
  readonly posted: PostedCosignature[];
  readonly tokens: Set<unknown>;
  close(): Promise<void>;
}

export async function startWitnessServer(log: SignedLog): Promise<WitnessServer> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void answer(request.url ?? "", Buffer.concat(chunks).toString("utf8"), response));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const state: WitnessServer = {
    address: `${origin}/api/v1/orgs/demo/audit`,
    log,
    signer: log.key,
    instead: null,
    looks: [],
    posted: [],
    tokens: new Set(),
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };

  async function answer(path: string, text: string, response: ServerResponse): Promise<void> {
    const body = JSON.parse(text) as Record<string, unknown>;
    state.tokens.add(body["token"]);
    if (state.instead?.(path, response) === true) return;
    if (path.endsWith("/witness/cosignature")) {
      state.posted.push({ size: Number(body["size"]), cosignature: String(body["cosignature"]) });
      response.writeHead(204).end();
      return;
    }
    const from = Number(body["from"]);
    state.looks.push(from);
    const checkpoint = await state.log.checkpoint(undefined, state.signer);
    const hashes = state.log.proof(from).map(toBase64);
    const shown = { checkpoint, keys: [state.signer.text], from, hashes };
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(shown));
  }
  return state;
}

export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** A program of ours, which inherits nothing of this process's environment. `until` ends it when it has said enough. */
export function runProgram(script: string, args: readonly string[], until?: RegExp): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [script, ...args], { env: {}, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const take = (chunk: Buffer): void => {
      output += chunk.toString("utf8");
      if (until?.test(output) === true) child.kill("SIGTERM");
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("close", (status) => done({ status, output }));
  });
}
