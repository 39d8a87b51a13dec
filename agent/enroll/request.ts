/** The one HTTP request the agent ever makes: an enrolment code for a device's credentials. */
import http from "node:http";
import https from "node:https";
import { proxyFor, tunnelAgent } from "../connection/proxy.ts";
import { trustOptions } from "../connection/trust.ts";
import { type Credentials, parseEnrollment } from "../state/credentials.ts";
import { agentVersion } from "../version.ts";
import { adviceFor } from "./advice.ts";
import { enrollPath } from "./code.ts";

/** The server verifies the code, makes a tenant entry and writes the audit log: seconds at most. */
const answerMsMax = 30_000;
/** An answer is some hundred bytes. */
const answerBytesMax = 64 * 1024;

export interface EnrollmentRequest {
  readonly origin: string;
  readonly code: string;
  readonly name: string;
  readonly platform: string;
  readonly ca: string | null;
}

export type EnrollmentResult =
  | { readonly kind: "ok"; readonly credentials: Credentials }
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly status: number;
      readonly advice: string;
      readonly requestId: string | null;
      readonly retryAfterSeconds: number | null;
    }
  | { readonly kind: "unreachable"; readonly code: string; readonly detail: string };

export async function requestEnrollment(request: EnrollmentRequest): Promise<EnrollmentResult> {
  let answer: Answer;
  try {
    answer = await post(new URL(enrollPath(request.code), request.origin), request);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { kind: "unreachable", code: code ?? "error", detail: message };
  }
  const json = parseJson(answer.body);
  if (answer.status === 201) {
    const enrollment = parseEnrollment(json);
    if (enrollment !== null) return { kind: "ok", credentials: { ...enrollment, ca: request.ca } };
    return refusal(
      "unexpected_answer",
      answer,
      "the server's answer makes no sense: is --url a Sentinel, and is this agent as new as it?",
    );
  }
  const problem = json as { readonly code?: unknown } | null;
  const code =
    typeof problem?.code === "string" && /^[a-z0-9_]{1,64}$/.test(problem.code) ? problem.code : "unexpected_answer";
  return refusal(code, answer, adviceFor(code, answer.status));
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly requestId: string | null;
  readonly retryAfter: string | null;
}

function refusal(code: string, answer: Answer, advice: string): EnrollmentResult {
  return {
    kind: "refused",
    code,
    status: answer.status,
    advice,
    requestId: answer.requestId,
    retryAfterSeconds: parseRetryAfter(answer.retryAfter),
  };
}

/** RFC 9110 section 10.2.3, the seconds form; Sentinel sends no other. */
export function parseRetryAfter(value: string | null): number | null {
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) : null;
}

function post(url: URL, { code, name, platform, ca }: EnrollmentRequest): Promise<Answer> {
  const body = JSON.stringify({ code, name, platform });
  const secure = url.protocol === "https:";
  const trust = trustOptions(ca);
  const proxy = proxyFor(url, process.env);
  const options: https.RequestOptions = {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, application/problem+json",
      "Content-Length": Buffer.byteLength(body),
      "User-Agent": `sentinel-agent/${agentVersion}`,
    },
    signal: AbortSignal.timeout(answerMsMax),
    agent: proxy === null ? false : tunnelAgent(proxy, trust),
    ...(secure ? trust : {}),
  };
  return new Promise((resolve, reject) => {
    // node:https, not fetch: fetch can't be given an authority without another package.
    const request = (secure ? https : http).request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > answerBytesMax) request.destroy(new Error("the answer is too large"));
        else chunks.push(chunk);
      });
      response.once("error", reject);
      response.once("end", () => {
        const header = (key: string): string | null => {
          const value = response.headers[key];
          return typeof value === "string" ? value.slice(0, 200) : null;
        };
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString("utf8"),
          requestId: header("x-request-id"),
          retryAfter: header("retry-after"),
        });
      });
    });
    request.once("error", reject);
    request.end(body);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
