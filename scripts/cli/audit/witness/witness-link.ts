/** A witness's two questions to a log: what it shows, and to keep a cosignature. It calls out; nobody calls it. */
import { fromBase64 } from "../../../../core/audit/signed-note.ts";
import { readBounded } from "../../../../core/read-bounded.ts";
import { witnessTokenPattern } from "../../../../core/routes/audit.ts";
import { CliError } from "../../cli-error.ts";

/** How long one answer may take, in milliseconds. */
const answerMsMax = 30_000;
/** Bytes of one answer: a note, keys and 128 hashes are some 20 KiB. */
const answerBytesMax = 256 * 1024;
/** Hashes of a consistency proof of a tree of 2^53 leaves, amply. */
const hashesMax = 128;

/** What the log shows, parsed and not yet believed. */
export interface Shown {
  readonly checkpoint: string;
  readonly keys: readonly string[];
  readonly proof: readonly Uint8Array[];
}

/** The log could not be asked, or did not take it: nothing is wrong with the log itself, and later it may be well. */
export class NotNow extends Error {
  constructor(message: string) {
    super(message);
    this.name = "NotNow";
  }
}

export interface WitnessLink {
  /** @param from entries under the checkpoint seen last; 0 for none. @throws NotNow */
  look(from: number): Promise<Shown>;
  /** @param line a signature line without its newline. @throws NotNow */
  post(size: number, line: string): Promise<void>;
}

/**
 * @param address the log's, `https://HOST/api/v1/orgs/ORG/audit`
 * @param token the witness's
 */
export function createWitnessLink(address: string, token: string): WitnessLink {
  const prefix = `${address.replace(/\/$/, "")}/witness`;
  return {
    async look(from) {
      const answer = await ask(`${prefix}/checkpoint`, { token, from });
      const shown = parseShown(answer);
      if (shown === null) throw new NotNow("the log's answer is of another form: is this program too old?");
      return shown;
    },
    async post(size, cosignature) {
      await ask(`${prefix}/cosignature`, { token, size, cosignature });
    },
  };
}

async function ask(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    // The token goes to the named host and to no other that it may point at.
    redirect: "error",
    signal: AbortSignal.timeout(answerMsMax),
  }).catch((error: unknown) => {
    throw new NotNow(`${new URL(url).origin} does not answer (${reasonOf(error)})`);
  });
  const bytes = await readBounded(response.body, answerBytesMax).catch((error: unknown) => {
    throw new NotNow(`${new URL(url).origin} broke off (${reasonOf(error)})`);
  });
  const text = bytes === null ? null : Buffer.from(bytes).toString("utf8");
  if (response.status === 204) return null;
  const said = text === null ? null : jsonOf(text);
  if (response.status !== 200) throw refusal(response.status, said);
  return said;
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return (cause as { code?: string } | undefined)?.code ?? message;
}

/** What to do about a refusal, in words of ours: the server's own stand in no log unchecked. */
function refusal(status: number, body: unknown): NotNow {
  const said = (body as { code?: unknown; errors?: unknown } | null) ?? {};
  const code = typeof said.code === "string" && /^[a-z_]{1,40}$/.test(said.code) ? said.code : "";
  const hint = hints[code] ?? (code === "invalid_request" ? "set this machine's clock, and compare the key" : "");
  return new NotNow(`the log answered ${status}${code === "" ? "" : ` ${code}`}${hint === "" ? "" : `: ${hint}`}`);
}

const hints: Readonly<Record<string, string>> = {
  invalid_token: "the token is no witness's of this organisation; was the witness removed?",
  not_found: "there is no such organisation, or its log has no checkpoint yet",
  conflict: "this witness has cosigned something later; is there another one with the same key?",
  geo_denied: "the organisation's policy does not let this country in",
  org_suspended: "the organisation is suspended",
  org_deleting: "the organisation is to be deleted",
  rate_limited: "it is asked too often from here",
};

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function parseShown(value: unknown): Shown | null {
  if (typeof value !== "object" || value === null) return null;
  const { checkpoint, keys, hashes } = value as Record<string, unknown>;
  if (typeof checkpoint !== "string" || !isTexts(keys) || !isTexts(hashes) || hashes.length > hashesMax) return null;
  const proof = hashes.map(fromBase64);
  return proof.every((hash) => hash !== null) ? { checkpoint, keys, proof } : null;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

/** A token as it was pasted into a file. @throws CliError `bad_token_file` */
export function checkToken(text: string, path: string): string {
  if (witnessTokenPattern.test(text)) return text;
  throw new CliError("bad_token_file", `${path} holds no witness's token (swt_…)`, 2);
}
