/** What every verb that speaks to the operator's routes shares: where Sentinel is, the token, and what its answers mean. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { operatorTokenPattern } from "../../core/routes/operator.ts";
import { CliError } from "./cli-error.ts";
import { readPrivateFile } from "./private-file.ts";
import { readStackDescription } from "./stack-description.ts";
import { type FlagSpec, type Flags, stateFlag } from "./verb.ts";

/** Flags of every such verb; `exclusive: operatorExclusive` goes with them. */
export const operatorFlags: Readonly<Record<"state" | "url" | "token-file", FlagSpec>> = {
  state: stateFlag,
  url: {
    value: "URL",
    help: "address of a deployed Sentinel, instead of --state",
    refuse: refuseUrl,
  },
  "token-file": { value: "FILE", help: "file that holds the operator's token, with --url" },
};
export const operatorExclusive = ["state", "url"] as const;

export interface OperatorCall {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** From `/api/v1/operator`. */
  readonly path: string;
  readonly body?: unknown;
}

/** How long one answer may take, in milliseconds: longer than the edge waits for studio. */
const answerMsMax = 40_000;
/** Tries of a call that was not answered, or with 503. One Idempotency-Key makes them one call. */
const triesMax = 3;
const pauseMs = 1000;

/**
 * Calls an operator's route.
 * @returns the answer's JSON, null when it has none
 * @throws CliError `no_stack`, `no_token`, `bad_token_file`, `unreachable`, `not_found`, `geo_denied`, …: the
 * problem's own code for anything else that was refused
 */
export async function callOperator(flags: Flags, call: OperatorCall): Promise<unknown> {
  const { origin, token } = target(flags);
  const key = randomUUID();
  for (let attempt = 1; ; attempt += 1) {
    const again = attempt < triesMax;
    const response = await send(origin, token, key, call).catch((error: unknown) => {
      if (again) return null;
      const { cause, message } = error as Error;
      const reason = (cause as { code?: string } | undefined)?.code ?? message;
      throw new CliError(
        "unreachable",
        `${origin} does not answer (${reason}); does it run? npm run sentinel -- status`,
      );
    });
    if (response !== null && (response.status !== 503 || !again)) return await read(response);
    await delay(pauseMs * attempt);
  }
}

function send(origin: string, token: string, key: string, { method, path, body }: OperatorCall): Promise<Response> {
  return fetch(`${origin}${path}`, {
    method,
    headers: {
      Accept: "application/json",
      Authorization: `Bearer ${token}`,
      ...(method === "GET" ? {} : { "Idempotency-Key": key }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    // The token goes to the named host and to no other that it may point at.
    redirect: "error",
    signal: AbortSignal.timeout(answerMsMax),
  });
}

/** What a refusal means to whoever runs the platform, where it means more than its title. */
const meanings: Readonly<Record<string, string>> = {
  not_found: "there is no such thing, or the token is not the operator's of this Sentinel",
  geo_denied: "not from this country: the platform's own policy refuses it; ask from where it allows",
  rate_limited: "too many attempts from this address; wait a minute",
  audit_unavailable: "the audit log does not answer, so nothing was done",
};

async function read(response: Response): Promise<unknown> {
  const text = await response.text();
  let json: unknown = null;
  try {
    json = text === "" ? null : JSON.parse(text);
  } catch {
    throw new CliError("not_sentinel", `answered ${response.status} with something that is not JSON`);
  }
  if (response.ok) return json;
  const { code, title, detail } = (json ?? {}) as Record<string, unknown>;
  if (typeof code !== "string")
    throw new CliError("not_sentinel", `answered ${response.status} and no problem document`);
  throw new CliError(code, meanings[code] ?? String(detail ?? title ?? response.status));
}

function target(flags: Flags): { origin: string; token: string } {
  const { state, url } = flags;
  const file = flags["token-file"];
  if (url !== undefined) {
    if (file === undefined) throw new CliError("no_token", "--url needs --token-file", 2);
    return { origin: new URL(url).origin, token: readToken(file) };
  }
  const stack = readStackDescription(state);
  const path = file ?? stack.operatorTokenFile;
  if (path === null)
    throw new CliError("no_token", "this stack has no operator's token yet; start it again: npm start");
  return { origin: new URL(stack.url).origin, token: readToken(path) };
}

/** @throws CliError `bad_token_file`, which never quotes the file */
function readToken(path: string): string {
  const text = readPrivateFile({ path, code: "bad_token_file", whenLeaked: ", and think of a new token" });
  if (!operatorTokenPattern.test(text))
    throw new CliError("bad_token_file", `${path} does not hold an operator's token`);
  return text;
}

/** The token opens the platform, so it travels encrypted, or not beyond this machine. */
function refuseUrl(value: string): string | null {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) return "is not an address";
  if (url.username !== "" || url.password !== "") return "holds a credential";
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  return url.protocol === "https:" || isLocal ? null : "is not encrypted: the token would be readable on its way";
}
