/**
 * A provider of language models on loopback: real HTTP, which does whatever a test says, in OpenAI's shape; at `/v1/messages` in
 * Anthropic's own (anthropic-provider.ts), at `/v1/embeddings` with vectors. What workerd's AI binding sends is answered as Workers
 * AI does (workers-ai-provider.ts).
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { anthropicAnswer, anthropicHalf, anthropicStream, isAnthropic } from "./anthropic-provider.ts";
import {
  isWorkersAi,
  readWorkersAi,
  workersAiAnswer,
  workersAiHalf,
  workersAiStream,
  workersAiVectors,
} from "./workers-ai-provider.ts";

/** One request as it arrived. */
export interface Asked {
  readonly key: string;
  readonly headers: IncomingMessage["headers"];
  readonly path: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it was sent
  readonly body: any;
}

/** What it does with a request. The last one of a list is repeated. */
export type Deed =
  /** Answers with a text, which may be made of what was asked. */
  | { readonly say: string | ((asked: Asked) => string); readonly usage?: unknown; readonly pieces?: number }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly text?: string }
  /** Never answers, or hangs up at once. */
  | "stall"
  | "hang up"
  /** Says a piece and then stops, or goes on for ever. */
  | "stall midway"
  | "cut midway"
  | "never end"
  /** Something else under the name of an answer. */
  | { readonly raw: string; readonly type?: string };

export interface LlmServer {
  readonly baseUrl: string;
  readonly origin: string;
  readonly asked: Asked[];
  /** Connections that somebody keeps open. */
  open(): number;
  /** Written by tests. */
  deeds: Deed[];
  stop(): Promise<void>;
}

export async function startLlmServer(): Promise<LlmServer> {
  const asked: Asked[] = [];
  let open = 0;
  const self = { asked, deeds: [{ say: "hello" }] as Deed[], open: () => open };
  const server = createServer(async (incoming, outgoing) => {
    open += 1;
    outgoing.on("close", () => {
      open -= 1;
    });
    const one = await read(incoming);
    asked.push(one);
    const deed = self.deeds.length > 1 ? self.deeds.shift() : self.deeds[0];
    if (deed !== undefined) perform(deed, one, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(self, { origin, baseUrl: `${origin}/v1`, stop });
}

async function read(incoming: IncomingMessage): Promise<Asked> {
  let body = "";
  for await (const chunk of incoming) body += String(chunk);
  const { headers } = incoming;
  if (isWorkersAi({ headers })) return readWorkersAi(headers, body);
  const key = String(headers["x-api-key"] ?? headers.authorization).replace("Bearer ", "");
  return { key, headers, path: incoming.url ?? "", body: JSON.parse(body) };
}

const usual = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };

function perform(deed: Deed, asked: Asked, outgoing: ServerResponse): void {
  if (deed === "stall") return;
  if (deed === "hang up") return void outgoing.destroy();
  if (typeof deed === "string") {
    halfway(deed, asked, outgoing);
    return;
  }
  if ("status" in deed) return void outgoing.writeHead(deed.status, deed.headers).end(deed.text ?? "{}");
  if ("raw" in deed) {
    outgoing.writeHead(200, { "Content-Type": deed.type ?? "application/json" }).end(deed.raw);
    return;
  }
  const text = typeof deed.say === "string" ? deed.say : deed.say(asked);
  const usage = "usage" in deed ? deed.usage : usual;
  if (asked.path.endsWith("/embeddings")) {
    outgoing.writeHead(200, { "Content-Type": "application/json" }).end(vectors(asked.body, usage));
    return;
  }
  if (isWorkersAi(asked)) {
    const json = { "Content-Type": "application/json" };
    if ("text" in asked.body) outgoing.writeHead(200, json).end(workersAiVectors(asked.body.text, usage));
    else if (asked.body.stream !== true) outgoing.writeHead(200, json).end(workersAiAnswer(text, usage));
    else {
      outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
      for (const written of workersAiStream(text, usage, deed.pieces ?? 1)) outgoing.write(written);
      outgoing.end();
    }
    return;
  }
  if (isAnthropic(asked)) {
    const counts = "usage" in deed ? deed.usage : undefined;
    if (asked.body.stream !== true) {
      outgoing.writeHead(200, { "Content-Type": "application/json" }).end(anthropicAnswer(text, counts));
      return;
    }
    outgoing.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
    for (const written of anthropicStream(text, counts, deed.pieces ?? 1)) outgoing.write(written);
    outgoing.end();
    return;
  }
  if (asked.body.stream !== true) {
    const message = { role: "assistant", content: text };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    outgoing.writeHead(200, { "Content-Type": "application/json" });
    outgoing.end(JSON.stringify({ id: "theirs", object: "chat.completion", choices, usage }));
    return;
  }
  outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
  const size = Math.max(1, Math.ceil(text.length / (deed.pieces ?? text.length)));
  for (let at = 0; at < text.length; at += size) outgoing.write(delta({ content: text.slice(at, at + size) }, null));
  outgoing.write(delta({}, "stop"));
  outgoing.write(event({ choices: [], usage }));
  outgoing.end("data: [DONE]\n\n");
}

/** For each text as many numbers as were asked for, three unless told, of which the first is its length. */
function vectors(body: Asked["body"], usage: unknown): string {
  const texts: string[] = Array.isArray(body.input) ? body.input : [body.input];
  const data = texts.map((text, index) => {
    const numbers = [text.length, ...Array.from({ length: (body.dimensions ?? 3) - 1 }, () => 0.5)];
    const base64 = Buffer.from(Float32Array.from(numbers).buffer).toString("base64");
    return { object: "embedding", index, embedding: body.encoding_format === "base64" ? base64 : numbers };
  });
  // In no order: the index says which is whose.
  return JSON.stringify({ object: "list", model: "theirs", data: data.toReversed(), usage });
}

function halfway(deed: "stall midway" | "cut midway" | "never end", asked: Asked, outgoing: ServerResponse): void {
  const half = isWorkersAi(asked) ? workersAiHalf : isAnthropic(asked) ? anthropicHalf : openaiHalf;
  outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
  outgoing.write(half.begin, () => {
    if (deed === "cut midway") outgoing.destroy();
    if (deed === "never end") {
      const more = setInterval(() => outgoing.write(half.more), 5);
      outgoing.on("close", () => clearInterval(more));
    }
  });
}

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const delta = (said: object, finish: string | null): string =>
  event({ choices: [{ index: 0, delta: said, finish_reason: finish }] });
const openaiHalf = { begin: delta({ content: "as I was " }, null), more: delta({ content: "saying " }, null) };
