import { timingSafeEqual } from "node:crypto";
import { mkdirSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { writeJsonAtomically } from "./state-folder.ts";

/** A mail is a page of text; a megabyte is a mistake. */
const mailBytesMax = 1024 * 1024;

/**
 * A mail provider's HTTP endpoint (Resend's JSON shape) that keeps each message as a file of
 * `dir`: `{to, subject, text, links}`.
 * @param token the bearer token it demands
 */
export async function startMailSink(dir: string, token: string): Promise<{ url: string; stop(): Promise<void> }> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  let count = 0;
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    };
    if (request.method !== "POST" || request.url !== "/emails") return answer(404, { message: "not found" });
    if (!sameText(request.headers.authorization ?? "", `Bearer ${token}`))
      return answer(401, { message: "wrong token" });
    try {
      const mail = parseMail(await readBody(request));
      count += 1;
      const id = `${Date.now()}-${String(count).padStart(6, "0")}`;
      writeJsonAtomically(join(dir, `${id}.json`), { ...mail, links: mail.text.match(/https?:\/\/\S+/g) ?? [] });
      return answer(200, { id });
    } catch (error) {
      return answer(422, { message: (error as Error).message });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/emails`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mailBytesMax) throw new Error("the message is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseMail(body: string): { to: string; subject: string; text: string } {
  const { to, subject, text } = JSON.parse(body) as Record<string, unknown>;
  const recipient = Array.isArray(to) ? to[0] : to;
  if (typeof recipient !== "string" || typeof subject !== "string" || typeof text !== "string") {
    throw new Error("a message has to, subject and text");
  }
  return { to: recipient, subject, text };
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
