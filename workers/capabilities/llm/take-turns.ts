import type { Dialect } from "../../../core/llm/dialect.ts";
import { dialects } from "../../../core/llm/dialects.ts";
import type { Tokens } from "../../../core/llm/upstream.ts";
import type { Asking, LlmResult } from "../../../core/rpc/llm.ts";
import { type Account, openAccount } from "./account.ts";
import type { CallContext } from "./admission.ts";
import type { Link } from "./chain.ts";
import { openKey } from "./keys.ts";
import type { Asked, Post } from "./provider-fetch.ts";
import { ok, refused } from "./result.ts";

/** How long the chain is gone along, in milliseconds: whoever asked has given up by then. */
const chainMsMax = 60_000;

type Answered = Extract<Asked, { kind: "answering" }>;

/** What is sent to one provider of the chain, and how its answer is read. */
export interface Question<T> {
  /** What it can cost at most. */
  readonly most: Tokens;
  readonly path: string;
  readonly body: string;
  /** Settles the account. @returns null when it is no answer, and nothing of it has been shown */
  read(asked: Answered, account: Account): Promise<T | null>;
}

/** What one link came to: an answer, an end of everything, or the next one's turn. */
type Turn<T> =
  | { readonly kind: "answer"; readonly value: T }
  | { readonly kind: "request_refused" | "plan_spent" | "budget_spent" | "key_due" | "failed" };

/**
 * Asks the providers of a chain in turn: the next one where one has no budget left, has no key, or fails.
 * @param questionTo what one is asked, made when its turn comes
 */
export async function takeTurns<T>(
  context: CallContext,
  asking: Asking,
  chain: readonly Link[],
  questionTo: (link: Link, dialect: Dialect) => Question<T>,
): Promise<LlmResult<T>> {
  const untilMs = context.now() + chainMsMax;
  const seen = new Set<Turn<T>["kind"]>();
  for (const link of chain) {
    if (context.now() >= untilMs) break;
    const turn = await takeTurn(context, asking, link, questionTo);
    if (turn.kind === "answer") return ok(turn.value);
    if (turn.kind === "request_refused") return refused("request_refused");
    seen.add(turn.kind);
  }
  if (seen.has("failed")) return refused("providers_failed");
  return refused(seen.has("plan_spent") ? "plan_spent" : seen.has("budget_spent") ? "budget_spent" : "key_due");
}

/** Studio has said so; what a budget rests on is looked at here too. */
export const isAsking = (asking: Asking): boolean =>
  Array.isArray(asking?.names) && Number.isSafeInteger(asking.monthMicrosMax) && asking.monthMicrosMax >= 0;

async function takeTurn<T>(
  context: CallContext,
  { monthMicrosMax }: Asking,
  link: Link,
  questionTo: (link: Link, dialect: Dialect) => Question<T>,
): Promise<Turn<T>> {
  if (link.keys.length === 0) return { kind: "key_due" };
  const dialect = dialects[link.provider.kind];
  const { most, path, body, read } = questionTo(link, dialect);
  const account = await openAccount(context, link, most, monthMicrosMax);
  if (account === "budget_spent" || account === "plan_spent") return { kind: account };
  const post = { baseUrl: link.provider.baseUrl, path, body };
  const asked = await ask(context, link, dialect, post, account);
  if (asked.kind === "refused") {
    await account.free();
    return { kind: "request_refused" };
  }
  if (asked.kind !== "answering") {
    if (asked.kind === "failed" && asked.mayHaveCost) await account.settle(null, true);
    else await account.free();
    return { kind: "failed" };
  }
  const value = await read(asked, account);
  return value === null ? { kind: "failed" } : { kind: "answer", value };
}

/** With the newest key, and where the provider does not know that one yet, with the one before. */
async function ask(
  context: CallContext,
  { provider, keys }: Link,
  dialect: Dialect,
  post: Omit<Post, "headers">,
  account: Account,
): Promise<Asked> {
  let asked: Asked = { kind: "unauthorised" };
  try {
    for (const key of keys) {
      const headers = dialect.headers(await openKey(context, provider.id, key));
      asked = await context.fetchProvider({ ...post, headers });
      if (asked.kind !== "unauthorised") return asked;
    }
  } catch (error) {
    // The key can't be had: nothing was asked.
    await account.free();
    throw error;
  }
  return asked;
}
